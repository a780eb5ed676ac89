"""The rules for Teradata, each proven both ways, and on statements as the models compile to."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.teradata.rules import RULES, check

FILES: Final = Path(__file__).parent / "rules_cases"


class Case(NamedTuple):
    """A statement of a case file and what the file says of it."""

    title: str
    kind: str
    sql: str
    wrong: bool = False


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
    parts = re.split(r"^-- \[(\w+)\] (.*)\n", (FILES / f"{name}.sql").read_text(), flags=re.M)
    return [Case(title, kind, sql) for kind, title, sql in zip(*[iter(parts[1:])] * 3, strict=True)]


CASES: Final = cases("statements", "spelling", "meaning")


@pytest.mark.parametrize("case", [c for c in CASES if c.wrong], ids=str)
def test_a_rule_catches_what_breaks_it(case: Case) -> None:
    assert case.title in {finding.rule.id for finding in check(case.sql, kind=case.kind)}


@pytest.mark.parametrize("case", [c for c in CASES if not c.wrong], ids=str)
def test_a_statement_that_keeps_the_rules_has_no_findings(case: Case) -> None:
    assert [str(finding) for finding in check(case.sql, kind=case.kind)] == []


def test_every_rule_is_proven_both_ways() -> None:
    for wrong in (True, False):
        assert RULES.keys() - {case.title for case in CASES if case.wrong is wrong} == set()


@pytest.mark.parametrize("case", statements("models"), ids=lambda case: case.title)
def test_statements_as_the_models_compile_to_have_no_findings(case: Case) -> None:
    assert [str(finding) for finding in check(case.sql, kind=case.kind)] == []


FAULTS: Final = statements("faults")
# Wrong statements that no rule catches, and why they need not, or cannot, be caught here.
ESCAPES: Final = {
    "a column that does not exist": "needs a catalogue; fails on DuckDB too",
    "a column that is not grouped": "needs a catalogue; fails on DuckDB too",
    "the key is not the primary index": "needs the target's definition",
    "a text compared with a number": "needs the columns' types",
    "rows wider than 64 KB": "a row's width depends on its data and on the system's settings",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.title)
def test_a_wrong_statement_is_caught_unless_it_is_known_to_escape(fault: Case) -> None:
    label = fault.title.removeprefix("escapes: ").split(":")[0]
    assert bool(check(fault.sql, kind=fault.kind)) is (label not in ESCAPES)


def test_nine_of_ten_wrong_statements_are_caught() -> None:
    caught = [fault for fault in FAULTS if check(fault.sql, kind=fault.kind)]
    assert len(FAULTS) >= 40
    assert len(caught) >= 0.9 * len(FAULTS)
    assert len(FAULTS) - len(caught) == len(ESCAPES)
