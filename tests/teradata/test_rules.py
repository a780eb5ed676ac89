"""The rules for Teradata, each proven both ways, and on statements as the models compile to."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.teradata import rules_masks as masks
from tests.teradata.rules import RULES, check
from tests.teradata.rules_masks import Source, mask

FILES: Final = Path(__file__).parent / "rules_cases"


class Case(NamedTuple):
    """A statement of a case file and what the file says of it."""

    title: str
    kind: str
    sql: str
    wrong: bool = False


def _id(case: Case) -> str:
    return f"{case.title}: {case.sql}" if "\n" not in case.sql else case.title


def cases(*names: str) -> list[Case]:
    """The cases of `[rule kind]` blocks: `-` breaks the rule, `+` passes, indented lines go on."""
    out = []
    for name in names:
        for block in re.split(r"\n\n", (FILES / f"{name}.txt").read_text().strip()):
            header, *lines = re.sub(r"\n +", " ", block).splitlines()
            rule, kind = (*header.strip("[]").split(), "query")[:2]
            out += [Case(rule, kind, line[2:], line[0] == "-") for line in lines]
    return out


def statements(name: str) -> list[Case]:
    """The statements of an SQL file, each below its `-- [kind] title`."""
    text = (FILES / f"{name}.sql").read_text()
    found = re.findall(r"^-- \[(\w+)\] (.*)\n((?:(?!-- \[).*\n)+)", text, re.MULTILINE)
    return [Case(title, kind, sql) for kind, title, sql in found]


CASES: Final = cases("statements", "spelling", "meaning")


@pytest.mark.parametrize("case", [c for c in CASES if c.wrong], ids=_id)
def test_a_rule_catches_what_breaks_it(case: Case) -> None:
    assert case.title in {finding.rule.id for finding in check(case.sql, kind=case.kind)}


@pytest.mark.parametrize("case", [c for c in CASES if not c.wrong], ids=_id)
def test_a_statement_that_keeps_the_rules_has_no_findings(case: Case) -> None:
    assert [str(finding) for finding in check(case.sql, kind=case.kind)] == []


def test_every_rule_is_proven_both_ways() -> None:
    for wrong in (True, False):
        assert RULES.keys() - {case.title for case in CASES if case.wrong is wrong} == set()


@pytest.mark.parametrize("case", statements("models"), ids=_id)
def test_statements_as_the_models_compile_to_have_no_findings(case: Case) -> None:
    assert [str(finding) for finding in check(case.sql, kind=case.kind)] == []


SPECIAL = "'it''s -- limit :: true' \"offset\" -- limit\n/* x != ilike */ 1"


def test_literals_comments_and_quoted_names_are_no_code() -> None:
    source = Source.of(SPECIAL)
    assert len(source.text) == len(source.shape) == len(SPECIAL)
    assert source.shape.split() == ["'", "'", '"', '"', "1"]
    assert source.text.startswith("'it''s -- limit :: true' \"offset\" ")
    assert check(f"select {SPECIAL.replace('1', 'as a from t')}".replace('"offset"', "")) == []


ZONE = f"at time zone '{masks.INTERVAL_QUALIFIER}'"
MASKED: Final = [
    ("cast(a as varchar(9) character set unicode)", "cast(a as varchar(9) )"),
    ("CAST(a AS CHAR(9)\n  CHARACTER  SET UNICODE)", "CAST(a AS CHAR(9)\n  )"),
    ("(a - b) day(4) to second(6)", f"(a - b) {ZONE}"),
    ("(a - b) DAY (4) TO HOUR", f"(a - b) {ZONE}"),
    ("(a - b) hour(4) to minute + c", f"(a - b) {ZONE} + c"),
    ("(a - b) minute(4)", f"(a - b) {ZONE}"),
    ("(a - b) second(4, 6)", f"(a - b) {ZONE}"),
    (
        "read_nos (using location ('/s3/x') returntype('NOSREAD_KEYS')) as x",
        f"{masks.READ_NOS} as x",
    ),
    ("read_nos(using authorization(d.\"a\") location('/s3/x'))", masks.READ_NOS),
    (
        "write_nos (on (select a from t) using location('/s3/x') storedas('PARQUET')) as x",
        "(select a from t) as x",
    ),
]
NOT_MASKED: Final = [
    "cast(a as varchar(9) character set latin)",
    "cast(a as varchar(9) not casespecific)",
    "a day(4)",
    "(a - b) day",
    "(a - b) day(5)",
    "(a - b) day(4) to second",
    "(a - b) month(4)",
    "read_nos (using path('/s3/x'))",
    "read_nos (using location(a))",
    "read_nos (on t using location('/s3/x'))",
    "write_nos (using location('/s3/x'))",
]


@pytest.mark.parametrize(("sql", "masked"), MASKED)
def test_a_mask_replaces_the_one_form_it_describes(sql: str, masked: str) -> None:
    source = mask(Source.of(sql))
    assert source.text == masked
    assert len(source.shape) == len(source.text)


@pytest.mark.parametrize("sql", NOT_MASKED)
def test_a_mask_leaves_every_other_form_to_be_found(sql: str) -> None:
    assert mask(Source.of(sql)) == Source.of(sql)
    assert check(f"select {sql} from t")


def test_a_mask_leaves_literals_and_comments_alone() -> None:
    for sql in ("'(a) character set unicode'", "-- (a - b) day(4)", '"(a - b) day(4)"'):
        assert mask(Source.of(sql)) == Source.of(sql)


def test_a_definition_is_taken_apart() -> None:
    found = masks.definition(
        Source.of("create multiset table d.\"t\" as (select ')' as a) with data primary index (a)")
    )
    assert found
    assert (found.kind, found.name.text, found.multiset) == ("table as", 'd."t"', True)
    assert (found.body.text, found.indexed) == ("select ')' as a", "a")


def test_a_finding_says_what_where_and_with_which_code() -> None:
    (finding,) = check("select a from t\nwhere b != 1")
    assert str(finding) == (
        "not_equal [3706]: != is not an operator: <>; near `ct a from t where b != 1`"
    )


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind is 'model', not one of query, view"):
        check("select a from t", kind="model")
