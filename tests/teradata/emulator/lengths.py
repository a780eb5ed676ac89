"""The declared lengths of texts, by sqlglot's types."""

from sqlglot import exp

from tests.teradata.emulator.errors import TeradataError

D = exp.DType
TEXTS = {D.VARCHAR, D.CHAR, D.TEXT, D.NVARCHAR}


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
