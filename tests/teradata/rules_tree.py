"""The rules that are read off sqlglot's tree."""

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlglot import exp

from tests.teradata.rules_catalogue import Finding, found
from tests.teradata.rules_subset import check_listed
from tests.teradata.rules_types import (
    branches,
    has_time,
    is_date,
    is_double,
    is_interval,
    is_number,
    is_qualified,
    is_timestamp,
    is_typed,
    outgrows,
    unwrap,
    unwrapped_parent,
    whole_literal,
)
from tests.teradata.rules_vocabulary import BUILT_IN, MAX_NAME, RESERVED

_LOGIC = (exp.Paren, exp.And, exp.Or, exp.Not)
_PREDICATES = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Is, exp.In, exp.Between, exp.Like, exp.Escape, exp.Exists),
    *(exp.And, exp.Or, exp.Not),
)


def check_tree(tree: exp.Expr, *, wrapped: bool) -> Iterator[Finding]:
    """Everything the tree tells; `wrapped` when it is or becomes part of another statement."""
    for node in tree.walk():
        yield from check_listed(node)
        yield from _names(node)
        yield from _numbers(node)
        yield from _moments(node)
        yield from _conditions(node)
        yield from _aggregates(node)
        yield from _windows(node)
        yield from _queries(node, tree, wrapped)
    yield from _derived_names(tree)


def _names(node: exp.Expr) -> Iterator[Finding]:
    if isinstance(node, exp.Identifier):
        if not node.args.get("quoted") and node.name.lower() in RESERVED:
            yield found("reserved_word", node)
        if len(node.name) > MAX_NAME:
            yield found("long_name", node)


def _is_derived(node: exp.Expr | None) -> bool:
    """Whether a node is a derived table: a query in parentheses in FROM, JOIN or USING."""
    return isinstance(node, exp.Subquery) and isinstance(
        node.parent, exp.From | exp.Join | exp.Merge
    )


def _derived_names(tree: exp.Expr) -> Iterator[Finding]:
    seen = {""}
    for node in tree.find_all(exp.Subquery):
        if _is_derived(node):
            if node.alias.lower() in seen:
                yield found("derived_name", node)
            seen.add(node.alias.lower())


def _numbers(node: exp.Expr) -> Iterator[Finding]:
    match node:
        case exp.Div():
            if not _is_exact_division(node.left, node.right):
                yield found("division", node)
            around = node.find_ancestor(exp.Cast, exp.Select, exp.Anonymous)
            if not isinstance(around, exp.Cast) and not is_interval(around or node):
                yield found("quotient", node)
        case exp.Mul():
            whole = whole_literal(node.left), whole_literal(node.right)
            if None not in whole and math.prod(filter(None, whole)) < 2**31:
                return
            if not (is_interval(node) or is_typed(node.left) or is_typed(node.right)):
                yield found("product", node)
        case exp.Sum():
            if not is_typed(node.this):
                yield found("sum", node)
        case exp.Substring(args={"start": exp.Neg() | exp.Literal(this="0")}):
            yield found("substring_start", node)
        case exp.DPipe():
            if is_number(node.left) or is_number(node.right):
                yield found("concat_number", node)


def _is_exact_division(left: exp.Expr, right: exp.Expr) -> bool:
    if is_typed(left) and is_typed(right):
        return True
    plain = isinstance(unwrap(left), exp.Literal) or isinstance(unwrap(right), exp.Literal)
    return plain and (is_double(left) or is_double(right))


def _moments(node: exp.Expr) -> Iterator[Finding]:
    match node:
        case exp.Cast(this=exp.Literal() as literal) if literal.is_string:
            if not _is_moment(literal.name, node.to.this):
                yield found("date_literal", node)
        case exp.Add() | exp.Sub():
            if not _is_timestamp_arithmetic(node):
                yield found("timestamp_arithmetic", node)
            if is_date(node.left) and is_interval(node.right) and has_time(node.right):
                yield found("date_interval", node)
            if {i.text("unit").lower() for i in node.find_all(exp.Interval)} & {"month", "year"}:
                yield found("month_interval", node)
        case exp.EQ() | exp.NEQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
            for side, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(other, exp.Literal) and (is_timestamp(side) or is_date(side)):
                    yield found("text_as_date", node)
        case exp.Between() | exp.In():
            spelled = any(isinstance(value, exp.Literal) for value in node.iter_expressions())
            if spelled and (is_timestamp(node.this) or is_date(node.this)):
                yield found("text_as_date", node)


_MOMENT: Final = {
    exp.DType.DATE: re.compile(r"\d{4}-\d{2}-\d{2}"),
    exp.DType.TIMESTAMP: re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?"),
}


def _is_moment(text: str, to: exp.DType) -> bool:
    """Whether a literal can be cast; True for other types than DATE and TIMESTAMP."""
    if to not in _MOMENT:
        return True
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return bool(_MOMENT[to].fullmatch(text))


def _is_timestamp_arithmetic(node: exp.Add | exp.Sub) -> bool:
    """Whether a sum or difference keeps the rules; True if no timestamp takes part."""
    if not (is_timestamp(node.left) or is_timestamp(node.right)):
        return True
    if is_interval(node.right) or (is_interval(node.left) and isinstance(node, exp.Add)):
        return True
    qualified = isinstance(node.parent, exp.Paren) and is_qualified(node.parent.parent)
    return qualified and isinstance(node, exp.Sub)


def _is_condition(node: exp.Expr) -> bool:
    """Whether a condition stands in this node's place."""
    parent, key = node.parent, node.arg_key
    if isinstance(parent, exp.If):
        return key == "this" and not (parent.parent and parent.parent.args.get("this"))
    if isinstance(parent, exp.Join | exp.Merge):
        return key == "on"
    return isinstance(parent, exp.Where | exp.Having | exp.Qualify)


def _outermost(node: exp.Expr) -> exp.Expr:
    """The whole of the AND, OR, NOT and parentheses around a node."""
    while isinstance(node.parent, _LOGIC):
        node = node.parent
    return node


def _conditions(node: exp.Expr) -> Iterator[Finding]:
    """Predicates where values stand, and values where predicates stand."""
    outermost = _outermost(node)
    if isinstance(node, _PREDICATES):
        assigned = isinstance(node.parent, exp.Update)
        part = isinstance(unwrapped_parent(node), exp.And | exp.Or | exp.Not | exp.Escape)
        if not (_is_condition(outermost) or assigned or part):
            yield found("predicate_value", node)
    elif not isinstance(node, exp.Paren | exp.Boolean) and _is_condition(outermost):
        yield found("condition", node)


def _aggregates(node: exp.Expr) -> Iterator[Finding]:
    """Aggregates and window functions where rows are still being chosen or grouped."""
    if not isinstance(node, exp.AggFunc | exp.Window):
        return
    windowed = isinstance(node, exp.Window) or isinstance(unwrapped_parent(node), exp.Window)
    match node.find_ancestor(
        *(exp.Where, exp.Join, exp.Merge, exp.Group, exp.Having, exp.Qualify, exp.Select)
    ):
        case exp.Where() | exp.Join() | exp.Merge():
            yield found("window_in_where" if windowed else "aggregate_in_where", node)
        case exp.Group() | exp.Having():
            if windowed:
                yield found("window_in_where", node)


_FRAMED = (exp.Sum, exp.Count, exp.Min, exp.Max, exp.FirstValue, exp.LastValue)
_ORDERED = (exp.FirstValue, exp.LastValue, exp.Lag, exp.Lead, exp.RowNumber, exp.Rank)


def _windows(node: exp.Expr) -> Iterator[Finding]:
    if not isinstance(node, exp.Window):
        return
    function = node.this.this if isinstance(node.this, exp.IgnoreNulls) else node.this
    order, spec = node.args.get("order"), node.args.get("spec")
    if isinstance(function, _FRAMED):
        # Where no frame is written sqlglot's dialect puts Teradata's default, the whole partition.
        whole = not spec or {spec.args["start"], spec.args.get("end")} == {"UNBOUNDED"}
        if (order and whole) or (spec and spec.text("kind").upper() != "ROWS"):
            yield found("window_frame", node)
    elif spec:
        yield found("window_frame", node)
    if isinstance(function, _ORDERED) and not order:
        yield found("window_order", node)
    if function.find(exp.Distinct):
        yield found("window_distinct", node)
    if any(inner is not node for inner in node.find_all(exp.Window)):
        yield found("nested_window", node)


def _queries(node: exp.Expr, tree: exp.Expr, wrapped: bool) -> Iterator[Finding]:
    alone = not wrapped and isinstance(tree, exp.Query)
    match node:
        case exp.Order() if not isinstance(node.parent, exp.Window):
            if not alone or node.parent is not tree:
                yield found("order_by", node)
        case exp.Limit() | exp.TableSample():
            if not alone or node.find_ancestor(exp.Select) is not tree:
                yield found("top_sample", node)
        case exp.With():
            if node.find_ancestor(exp.CTE):
                yield found("nested_with", node)
            for function in node.find_all(exp.Anonymous, exp.RegexpSubstr, exp.TryCast, exp.Trunc):
                if not (isinstance(function, exp.Anonymous) and function.name.lower() in BUILT_IN):
                    yield found("function_in_with", function)
            if node.find_ancestor(exp.CTE):
                pass
            elif wrapped or node.find_ancestor(exp.Subquery):
                yield from _with_aliases(node)
        case exp.SetOperation() if not isinstance(node.parent, exp.SetOperation):
            yield from _set_operation(node)
        case exp.Select():
            yield from _select_list(node, tree, wrapped)


def _set_operation(node: exp.SetOperation) -> Iterator[Finding]:
    selects = list(branches(node))
    for select in selects:
        if not select.args.get("from_"):
            yield found("set_without_from", select)
    first, *others = (select.expressions for select in selects)
    if any(item.is_star for select in selects for item in select.expressions):
        return
    for other in others:
        for mine, theirs in zip(first, other, strict=False):
            if outgrows(theirs, mine):
                yield found("union_type", theirs)


def _select_list(node: exp.Select, tree: exp.Expr, wrapped: bool) -> Iterator[Finding]:
    top: exp.Expr = node
    while isinstance(top.parent, exp.SetOperation):
        if top.arg_key == "expression":
            return  # a later branch: the first gives names and types
        top = top.parent
    if isinstance(top.parent, exp.Exists):
        return
    yield from _duplicate_columns(node)
    named = (wrapped and top is tree) or isinstance(top.parent, exp.CTE) or _is_derived(top.parent)
    for item in node.expressions:
        if isinstance(unwrap(item.unalias()), exp.Null):
            yield found("untyped_null", item)
        if named and not isinstance(item, exp.Alias | exp.Column | exp.Star):
            yield found("unnamed_column", item)


def _duplicate_columns(node: exp.Select) -> Iterator[Finding]:
    seen: set[str] = set()
    for item in node.expressions:
        if isinstance(item, exp.Alias | exp.Column) and not item.is_star:
            name = item.alias_or_name.lower()
            if name in seen:
                yield found("duplicate_column", item)
            seen.add(name)


def _with_aliases(node: exp.With) -> Iterator[Finding]:
    seen = {cte.alias.lower() for cte in node.expressions}
    for cte in node.expressions:
        tables = cte.this.find_all(exp.Table, exp.Subquery)
        aliases = {table.alias.lower(): table for table in tables if table.alias}
        for alias in aliases.keys() & seen:
            yield found("with_alias", aliases[alias])
        seen |= aliases.keys()
