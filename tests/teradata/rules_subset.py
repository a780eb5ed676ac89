"""The closed lists of `rules_vocabulary`, applied to one node of sqlglot's tree."""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from tests.teradata.rules_catalogue import Finding, found
from tests.teradata.rules_types import is_number, is_typed
from tests.teradata.rules_vocabulary import (
    ARGUMENTS,
    DATA_TYPES,
    INTERVAL_UNITS,
    JOINS,
    MAX_UNICODE_CHARACTERS,
    NODES,
    REQUIRED,
    TRUNC_FORMATS,
)

_SPELLED: Final[dict[type[exp.Expr], str]] = {
    exp.Array: "nested_type",
    exp.Boolean: "boolean",
    exp.Bracket: "nested_type",
    exp.Filter: "filter",
    exp.ILike: "ilike",
    exp.Lambda: "lambda",
    exp.Lateral: "lateral",
    exp.NullSafeEQ: "is_distinct",
    exp.NullSafeNEQ: "is_distinct",
    exp.Struct: "nested_type",
    exp.Unnest: "unnest",
    exp.Values: "values_table",
    exp.Command: "unparsed",
}
_SPELLED_CLAUSES: Final[dict[tuple[type[exp.Expr], str], str]] = {
    (exp.Join, "using"): "join_using",
    (exp.Join, "method"): "join_kind",
    (exp.Star, "except_"): "star_exclude",
    (exp.Group, "all"): "group_by_all",
    (exp.When, "condition"): "merge_when",
    (exp.When, "source"): "merge_when",
}


def check_listed(node: exp.Expr) -> Iterator[Finding]:
    """Whether a node, its arguments and its place are in the closed lists."""
    allowed = NODES.get(type(node))
    if allowed is None:
        rule = "function" if isinstance(node, exp.Func) else "construct"
        yield found(_SPELLED.get(type(node), rule), node)
        return
    for arg in sorted(node.args.keys() - allowed):
        if node.args[arg]:
            yield found(_SPELLED_CLAUSES.get((type(node), arg), "clause"), node)
    if (required := REQUIRED.get(type(node))) and not node.args.get(required):
        yield found("clause", node)
    if isinstance(node, exp.Select) and _lacks_from(node):
        yield found("clause", node)
    if isinstance(node, exp.Star) and len(node.parent.expressions if node.parent else ()) > 1:
        yield found("clause", node)  # B035-1146 SELECT: `*` alone, or table.*
    if _is_out_of_place(node):
        yield found("construct", node)
    if isinstance(node, exp.Anonymous) and not _has_its_arguments(node):
        yield found("function", node)
    if isinstance(node, exp.Trunc) and not _keeps_its_meaning(node):
        yield found("trunc_time", node)
    if isinstance(node, exp.Join) and not isinstance(node.parent, exp.Table):
        yield from _join(node)
    if isinstance(node, exp.DataType):
        yield from _types(node)


def _lacks_from(node: exp.Select) -> bool:
    columns = any(item.find(exp.Column, exp.Star) for item in node.expressions)
    asked = bool(node.args.get("where")) or isinstance(node.parent, exp.Exists)
    return not node.args.get("from_") and (columns or asked)


def _has_its_arguments(node: exp.Anonymous) -> bool:
    return len(node.expressions) in ARGUMENTS.get(node.name.lower(), ())


def _keeps_its_meaning(node: exp.Trunc) -> bool:
    """TRUNC of a surely numeric value, or of a moment to a day or more."""
    unit = node.args.get("decimals")
    if unit is None:
        return is_typed(node.this) or is_number(node.this)
    if unit.is_int:
        return is_number(node.this) or is_typed(node.this)
    return isinstance(unit, exp.Literal) and unit.name.lower() in TRUNC_FORMATS


def _is_out_of_place(node: exp.Expr) -> bool:
    """Whether an allowed node stands where only sqlglot would have it."""
    parent = node.parent
    match node:
        case exp.Dot():
            method = node.expression
            methods = ("jsonextract", "jsonextractvalue", "jsonextractlargevalue")
            called = isinstance(method, exp.Anonymous) and method.name.lower() in methods
            return not called and not isinstance(parent, exp.Dot)
        case exp.Tuple():
            return not (isinstance(parent, exp.Insert) or _is_left_of_in(node))
        case exp.If():
            return not isinstance(parent, exp.Case)
        case exp.In():
            return not node.expressions and not node.args.get("query")
        case exp.Table():
            in_update = isinstance(parent, exp.From) and isinstance(parent.parent, exp.Update)
            joined = bool(node.args.get("joins")) and not in_update
            return joined or not isinstance(node.this, exp.Identifier)
        case exp.Update():
            return bool(node.args.get("from_")) and not _is_joined_form(node)
        case exp.Schema():
            listed = exp.ColumnDef if isinstance(parent, exp.Create) else exp.Identifier
            return not all(isinstance(item, listed) for item in node.expressions)
        case exp.Column() if isinstance(node.this, exp.Star):
            return not isinstance(parent, exp.Select)
        case exp.Is():
            return not isinstance(node.expression, exp.Null | exp.Boolean)
        case exp.Star():
            return not isinstance(parent, exp.Select | exp.Count | exp.Column)
        case exp.AtTimeZone():
            return not (isinstance(node.this, exp.Paren) and isinstance(node.this.this, exp.Sub))
        case exp.From() | exp.Join():
            return not isinstance(node.this, exp.Table | exp.Subquery)
        case exp.Subquery():
            return not isinstance(node.this, exp.Query)
        case exp.Extract():
            return node.name.lower() not in INTERVAL_UNITS | {"timezone_hour", "timezone_minute"}
        case exp.WindowSpec():
            return any(
                node.args.get(edge) not in (None, "CURRENT ROW")
                and not node.args.get(f"{edge}_side")
                for edge in ("start", "end")
            )
    return False


def _is_joined_form(node: exp.Update) -> bool:
    """UPDATE kept FROM t AS kept, (…) AS found: the name after UPDATE is the first one's."""
    changed, first = node.this, node.args["from_"].this
    return not changed.db and isinstance(first, exp.Table) and changed.name == first.alias


def _is_left_of_in(node: exp.Tuple) -> bool:
    """(a, b) IN (SELECT …): B035-1146 IN, a list of expressions takes a subquery alone."""
    return isinstance(node.parent, exp.In) and node.arg_key == "this"


def _join(node: exp.Join) -> Iterator[Finding]:
    if (node.side, node.kind) not in JOINS:
        yield found("join_kind", node)
    elif node.method == "NATURAL" or node.args.get("using"):
        pass  # found already
    elif bool(node.args.get("on")) is (node.kind == "CROSS"):
        yield found("join_on", node)


def _types(node: exp.DataType) -> Iterator[Finding]:
    sizes = [param.name for param in node.expressions]
    if node.this is exp.DType.DECIMAL:
        complete = len(sizes) == 2
    elif node.this is exp.DType.TIMESTAMP:
        complete = sizes in ([], ["6"])
    else:
        sized = node.this in exp.DataType.TEXT_TYPES or node.this == exp.DType.JSON
        complete = len(sizes) <= sized
    if node.this not in DATA_TYPES or not complete or not all(map(str.isdigit, sizes)):
        yield found("type", node)
    elif node.this in exp.DataType.TEXT_TYPES and int(*sizes) > MAX_UNICODE_CHARACTERS:
        yield found("char_length", node)
