"""The rules of MERGE."""

import re
from collections.abc import Iterator

from sqlglot import exp

from tests.teradata.rules_catalogue import Finding, found

_WHEN = re.compile(r"\bwhen\s+(?:not\s+)?matched\s+then\b", re.IGNORECASE)


def check_merge(merge: exp.Merge, shape: str) -> Iterator[Finding]:
    whens: list[exp.When] = merge.args["whens"].expressions
    if len(_WHEN.findall(shape)) != len(whens):
        yield found("merge_when", merge.args["whens"])  # sqlglot forgives WHEN without MATCHED
    for matched in (True, False):
        for when in [when for when in whens if bool(when.args["matched"]) is matched][1:]:
            yield found("merge_when", when)
    equated = set(_equated(merge))
    if not equated:
        yield found("merge_key", merge.args["on"])
    for when in whens:
        then = when.args["then"]
        if isinstance(then, exp.Update) and when.args["matched"]:
            yield from _check_update(then, equated)
        elif isinstance(then, exp.Insert) and not when.args["matched"]:
            yield from _check_insert(then)
        else:
            yield found("merge_when", when)


def _equated(merge: exp.Merge) -> Iterator[str]:
    """The target's columns that ON makes equal to one of the source's, under nothing but AND."""
    target = (merge.this.alias or merge.this.name).lower()
    terms = [merge.args["on"]]
    while terms:
        term = terms.pop()
        if isinstance(term, exp.Paren):
            terms.append(term.this)
        elif isinstance(term, exp.And):
            terms += [term.left, term.right]
        elif isinstance(term, exp.EQ):
            sides = term.left, term.right
            if all(isinstance(side, exp.Column) for side in sides):
                tables = [side.table.lower() for side in sides if isinstance(side, exp.Column)]
                if tables.count(target) == 1:
                    yield sides[tables.index(target)].name.lower()


def _check_update(update: exp.Update, equated: set[str]) -> Iterator[Finding]:
    for assignment in update.expressions:
        column = assignment.this
        if not isinstance(assignment, exp.EQ) or not isinstance(column, exp.Column):
            yield found("merge_when", update)
        elif column.name.lower() in equated:
            yield found("merge_key_update", assignment)


def _check_insert(insert: exp.Insert) -> Iterator[Finding]:
    columns, values = insert.this, insert.expression
    listed = isinstance(columns, exp.Tuple) and isinstance(values, exp.Tuple)
    names = [column.name.lower() for column in columns.expressions] if listed else []
    if not names or len(set(names)) != len(names) or len(names) != len(values.expressions):
        yield found("merge_insert", insert)
