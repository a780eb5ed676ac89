"""What the declared types of texts and numbers lead to, by sqlglot's types."""

from typing import Any

from sqlglot import exp

from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError

D = exp.DType
TEXTS = {D.VARCHAR, D.CHAR, D.TEXT, D.NVARCHAR}
MOMENTS = {D.TIMESTAMP, D.TIMESTAMPTZ, D.TIMESTAMPNTZ}
NUMBERS = {D.INT, D.BIGINT, D.SMALLINT, D.TINYINT, D.DECIMAL, D.DOUBLE}


def length_of(item: exp.Expr) -> int | None:
    """The length of a text in a select list, by its type; None where it is not known."""
    value, kind = item.unalias(), item.type
    if isinstance(value, exp.Literal) and value.is_string:
        return max(1, len(value.this))
    if kind is not None and kind.this in TEXTS and kind.expressions:
        return int(kind.expressions[0].name)
    return None


def declared(node: exp.Expr) -> int | None:
    """The declared length of a text; B035-1145 Concatenation: of `||` it is the sum of both.

    Raises:
        TeradataError: it is more than 64,000 bytes (3798), however short the texts are.
    """
    node = node.unnest()
    if isinstance(node, exp.DPipe):
        sides = declared(node.left), declared(node.right)
        length = sum(sides) if None not in sides else None  # type: ignore[arg-type]
        if length and length > 32_000:
            raise TeradataError(3798, f"VARCHAR({length}): {node.sql('teradata')[:80]}")
        return length
    if isinstance(node, exp.Substring | exp.Trim | exp.Lower | exp.Upper):
        return declared(node.this)
    if isinstance(node, exp.Case | exp.Coalesce):
        parts = [node.this, *node.expressions] if isinstance(node, exp.Coalesce) else [
            *(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default"),
        ]  # fmt: skip
        return max((declared(part) or 0 for part in parts if part is not None), default=0) or None
    return length_of(node)


def refuse_first_branch(union: exp.SetOperation) -> None:
    """B035-1146 Set Operators: the first branch's type holds; it cuts a text, and a time of day."""
    for left, right in zip(union.left.selects, union.right.selects, strict=False):
        first, later = length_of(left), length_of(right)
        if first and later and later > first:
            raise TeradataError(
                3996, f"{right.alias_or_name}: VARCHAR({later}) is cut to the VARCHAR({first}) "
                "of the union's first branch",
            )  # fmt: skip
        if _kind(left) == D.DATE and _kind(right) in MOMENTS:
            raise NotUnderstoodError(f"{right.alias_or_name}: a TIMESTAMP below a DATE in a union")


def refuse_numbers(joined: exp.DPipe) -> None:
    """B035-1143 Numeric-to-Character Conversion: || would fill a number with blanks in front."""
    for side in (joined.left, joined.right):
        if _kind(side) in NUMBERS:
            raise NotUnderstoodError(f"a number in ||: {joined.sql('teradata')[:80]}")


def _kind(node: exp.Expr) -> Any:
    return node.type.this if node.type else None
