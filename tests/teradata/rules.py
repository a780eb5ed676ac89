"""Checks one compiled statement against the closed subset of SQL the project sends to Teradata.

No Teradata server takes part: a statement passes when it consists of nothing but what
`rules_vocabulary` lists and breaks none of the documented rules in `rules_catalogue`. So a pass is
no proof that Teradata accepts a statement, but everything unknown is a finding.
"""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from tests.teradata import rules_masks as masks
from tests.teradata.rules_catalogue import RULES, Finding, Rule, found
from tests.teradata.rules_masks import Source
from tests.teradata.rules_merge import check_merge
from tests.teradata.rules_text import check_patterns, check_tokens
from tests.teradata.rules_tree import check_tree

__all__ = ["KINDS", "RULES", "Finding", "Rule", "check"]

KINDS: Final = {
    "query": "a SELECT that stands alone",
    "view": "the SELECT of a view model, or its REPLACE VIEW",
    "table": "the SELECT of a table model or data test, CREATE TABLE, or INSERT ... SELECT",
    "merge": "a MERGE",
    "any": "any of these, UPDATE, COLLECT STATISTICS or SET QUERY_BAND",
}


def check(sql: str, *, kind: str = "query") -> list[Finding]:
    """What is wrong with one statement; an empty list if nothing is.

    `kind` is a key of `KINDS`. dbt puts the SELECT of a model or a data test inside another
    statement, where less is allowed: check those as `view` or `table`.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, not one of {', '.join(KINDS)}")
    source = Source.of(sql)
    findings = list(check_patterns(source))
    reported = {finding.rule.id for finding in findings}
    masked = masks.mask(source)
    masked = masked.cut(0, len(masked.shape.rstrip().rstrip(";")))
    for finding in _check_statement(masked, kind):
        # What the text has told already, the tree tells again with less precision.
        if finding.rule.id not in reported:
            findings.append(finding)
    return findings


# By the first word: what a statement is, and the kinds that expect it.
_VERBS: Final = {
    "select": ("query", {"query", "view", "table", "any"}),
    "with": ("query", {"query", "view", "table", "any"}),
    "insert": ("insert", {"table", "any"}),
    "merge": ("merge", {"merge", "any"}),
    "update": ("update", {"any"}),
    "create": ("definition", {"view", "table", "any"}),
    "replace": ("definition", {"view", "any"}),
}


def _check_statement(source: Source, kind: str) -> Iterator[Finding]:
    statement, kinds = _VERBS.get(_verb(source), ("", set()))
    if kind == "any" and masks.is_utility(source):
        return
    if kind not in kinds:
        yield Finding(RULES["statement"], source.near(0, 15))
    elif statement == "definition":
        yield from _check_definition(source, kind)
    else:
        yield from _check_parsed(source, wrapped=statement != "query" or kind in ("view", "table"))


def _verb(source: Source) -> str:
    words = source.shape.replace("(", " ").split(None, 1)
    return words[0].lower() if words else ""


def _check_definition(source: Source, kind: str) -> Iterator[Finding]:
    definition = masks.definition(source)
    if definition is None:
        yield Finding(RULES["definition"], source.near(0, 60))
        return
    is_view = definition.kind == "view"
    if kind == ("table" if is_view else "view"):
        yield Finding(RULES["statement"], source.near(0, 15))
    if not (is_view or definition.multiset):
        yield Finding(RULES["multiset"], source.near(0, 30))
    if not (is_view or definition.index):
        yield Finding(RULES["primary_index"], source.near(0, 30))
    names = f"select {definition.indexed} from {definition.name.text}"
    yield from _check_parsed(Source.of(names), wrapped=True)
    if definition.kind == "table of":
        body = definition.body
        columns = Source(f"create table x ({body.text})", f"create table x ({body.shape})")
        yield from _check_parsed(columns, wrapped=True)
    elif _VERBS.get(_verb(definition.body), ("",))[0] == "query":
        yield from _check_parsed(definition.body, wrapped=True)
    else:
        yield Finding(RULES["statement"], definition.body.near(0, 15))


def _check_parsed(source: Source, *, wrapped: bool) -> Iterator[Finding]:
    yield from check_tokens(source)
    try:
        trees = parse(source.text, dialect="teradata")
    except SqlglotError as error:
        reason = str(error).replace("\033[4m", "").replace("\033[0m", "").splitlines()[0]
        yield Finding(RULES["unparsed"], reason)
        return
    if len(trees) != 1 or trees[0] is None:
        yield Finding(RULES["unparsed"], source.near(0, 60))
        return
    tree = trees[0]
    yield from check_tree(tree, wrapped=wrapped)
    if isinstance(tree, exp.Merge):
        yield from check_merge(tree, source.shape)
    if isinstance(tree, exp.Insert) and not isinstance(tree.expression, exp.Query):
        yield found("statement", tree)
