"""What can be told of an expression's type without a catalogue: from casts, literals and names."""

import re
from collections.abc import Iterator

from sqlglot import exp

from tests.teradata.rules_masks import INTERVAL_QUALIFIER

# The project's names: <event>_ts, <unit>_hour and <event>_at are timestamps, <unit>_date a date,
# <thing>_share and <thing>_rate decimals.
_TIMESTAMP = re.compile(r"\w+_(?:ts|hour|at)|(?:valid|state)_(?:from|to)", re.IGNORECASE)
_DATE = re.compile(r"\w+_date", re.IGNORECASE)
_MOMENTS = (exp.DType.DATE, exp.DType.TIMESTAMP)
_DECIMAL = re.compile(r"\w+_(?:share|rate)", re.IGNORECASE)
# Functions that return the type of their (first) argument.
_SAME = (
    *(exp.Paren, exp.Neg, exp.Coalesce, exp.Nullif, exp.Min, exp.Max, exp.Abs, exp.Ceil),
    *(
        exp.Floor,
        exp.Trunc,
        exp.Lag,
        exp.Lead,
        exp.FirstValue,
        exp.LastValue,
        exp.IgnoreNulls,
        exp.Window,
    ),
)


def unwrap(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def unwrapped_parent(node: exp.Expr) -> exp.Expr | None:
    """The parent, not counting parentheses."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent


def _inner(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, _SAME):
        return node.this if isinstance(node.this, exp.Expr) else None
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("zeroifnull", "nullifzero"):
        return node.expressions[0] if node.expressions else None
    return None


def _results(node: exp.Case) -> list[exp.Expr]:
    default = node.args.get("default")
    return [branch.args["true"] for branch in node.args["ifs"]] + ([default] if default else [])


def is_typed(node: exp.Expr) -> bool:
    """Whether a CAST, or a name, decides the type a number is computed in."""
    if isinstance(node, exp.Column):
        return bool(_DECIMAL.fullmatch(node.name))
    if isinstance(node, exp.Cast):
        return node.to.this not in (*exp.DataType.TEXT_TYPES, *_MOMENTS)
    if isinstance(node, exp.Extract):
        return True
    if isinstance(node, exp.Sum):
        return is_typed(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _all_typed([node.left, node.right])
    if isinstance(node, exp.Case):
        return _all_typed(_results(node))
    inner = _inner(node)
    return inner is not None and is_typed(inner)


def is_double(node: exp.Expr) -> bool:
    """Whether this surely is computed as DOUBLE PRECISION."""
    if isinstance(node, exp.Cast):
        return node.to.this is exp.DType.DOUBLE
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        return is_double(node.left) or is_double(node.right)
    inner = _inner(node)
    return inner is not None and is_double(inner)


def whole_literal(node: exp.Expr) -> int | None:
    node = unwrap(node)
    literal = isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
    return int(node.name) if literal else None


def _all_typed(nodes: list[exp.Expr]) -> bool:
    plain = [isinstance(unwrap(node), exp.Literal | exp.Null) for node in nodes]
    typed = [is_typed(node) for node in nodes]
    return any(typed) and all(t or p for t, p in zip(typed, plain, strict=True))


def is_timestamp(node: exp.Expr) -> bool:
    if isinstance(node, exp.Column):
        return bool(_TIMESTAMP.fullmatch(node.name))
    if isinstance(node, exp.Cast):
        return node.to.this is exp.DType.TIMESTAMP
    if isinstance(node, exp.Add | exp.Sub):
        return is_timestamp(node.left) and is_interval(node.right)
    if isinstance(node, exp.CurrentTimestamp):
        return True
    inner = _inner(node)
    return inner is not None and is_timestamp(inner)


def is_date(node: exp.Expr) -> bool:
    node = unwrap(node)
    if isinstance(node, exp.Cast):
        return node.to.this is exp.DType.DATE
    named = isinstance(node, exp.Column) and bool(_DATE.fullmatch(node.name))
    return named or isinstance(node, exp.CurrentDate | exp.Trunc)


def has_time(node: exp.Expr) -> bool:
    """Whether an interval counts hours, minutes or seconds."""
    units = {interval.text("unit").lower() for interval in node.find_all(exp.Interval)}
    return bool(units & {"hour", "minute", "second"})


def is_interval(node: exp.Expr) -> bool:
    node = unwrap(node)
    if isinstance(node, exp.Interval) or is_qualified(node):
        return True
    if isinstance(node, exp.Anonymous):
        return node.name.lower() == "numtodsinterval"
    if isinstance(node, exp.Mul | exp.Add | exp.Sub):
        return is_interval(node.left) or is_interval(node.right)
    return isinstance(node, exp.Neg) and is_interval(node.this)


def is_qualified(node: exp.Expr | None) -> bool:
    """Whether this is a difference with an interval qualifier, as `rules_masks.mask` leaves it."""
    return isinstance(node, exp.AtTimeZone) and node.text("zone") == INTERVAL_QUALIFIER


def is_number(node: exp.Expr) -> bool:
    """Whether this surely is a number, for an operator that wants text."""
    node = unwrap(node)
    if isinstance(node, exp.Literal):
        return not node.is_string
    if isinstance(node, exp.Cast):
        return node.to.this not in exp.DataType.TEXT_TYPES
    numeric = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Count, exp.Sum, exp.Extract, exp.Length)
    return isinstance(node, numeric)


def branches(node: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs that a set operation puts together, in the order they are written."""
    if isinstance(node, exp.SetOperation):
        yield from branches(node.left)
        yield from branches(node.right)
    elif isinstance(node, exp.Subquery):
        yield from branches(node.this)
    elif isinstance(node, exp.Select):
        yield node


def outgrows(item: exp.Expr, first: exp.Expr) -> bool:
    """Whether a branch's item does not, or perhaps does not, fit the type of the first branch's.

    A literal's type is just wide enough for itself: 'sku' is a VARCHAR(3) and 0 a BYTEINT.
    """
    item, first = unwrap(item.unalias()), unwrap(first.unalias())
    if isinstance(item, exp.Null):
        return False
    mine, theirs = _width(first), _width(item)
    if mine is None:
        return False
    if theirs is None:
        return not isinstance(first, exp.Cast)
    return theirs > mine


def _width(node: exp.Expr) -> int | None:
    """Characters of a text, bytes of a literal number; None when it cannot be seen."""
    node = unwrap(node)
    if isinstance(node, exp.Cast):
        text = node.to.this in exp.DataType.TEXT_TYPES
        size = node.to.expressions[0].name if node.to.expressions else ""
        return int(size) if text and size.isdigit() else None
    if isinstance(node, exp.Neg):
        return _width(node.this)
    if isinstance(node, exp.Literal):
        if node.is_string:
            return len(node.name)
        if not node.name.isdigit():
            return None
        return next((size for size in (1, 2, 4) if int(node.name) < 1 << (8 * size - 1)), 8)
    if isinstance(node, exp.Case | exp.Coalesce):
        parts = _results(node) if isinstance(node, exp.Case) else [node.this, *node.expressions]
        widths = [_width(part) for part in parts if not isinstance(part, exp.Null)]
        known = [width for width in widths if width is not None]
        return max(known) if known and len(known) == len(widths) else None
    return None
