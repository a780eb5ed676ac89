"""A parsed query or change in DuckDB's words, with Teradata's meaning.

What means something else there is rewritten by the types of its operands; sqlglot finds them from
the catalogue. A node that is not listed (`rules_vocabulary`, and a few of the adapter's own) is not
understood.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tests.teradata.emulator.catalogue import Catalogue
from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError
from tests.teradata.emulator.lengths import (
    MOMENTS,
    TEXTS,
    declared,
    length_of,
    refuse_first_branch,
    refuse_numbers,
)
from tests.teradata.rules_vocabulary import NODES

D = exp.DType
WHOLE = {D.INT, D.BIGINT, D.SMALLINT, D.TINYINT, D.INT128}
ADAPTERS_OWN = {
    exp.Collate, exp.Delete, exp.Limit, exp.Rand, exp.Placeholder, exp.Values, exp.TableAlias,
    exp.Initcap, exp.Pad,
}  # fmt: skip
"""Node classes that only dbt-teradata's own statements and the probes have."""
FUNCTIONS = {
    "regexp_similar": "td_regexp_similar",
    "regexp_substr": "td_regexp_substr",
    "json_check": "td_json_check",
    "oreplace": "td_replace",
    "hashrow": "td_hash",
    "hashbucket": "td_hash_bucket",
}
"""Functions that sqlglot has no class for; `numtodsinterval` has a rule of its own."""

METHODS = {
    "jsonextract": "td_json_extract",
    "jsonextractvalue": "td_json_value",
    "jsonextractlargevalue": "td_json_large_value",
}


class Translation:
    """One statement on its way."""

    def __init__(self, tree: exp.Expr, catalogue: Catalogue) -> None:
        self._types: dict[int, exp.DataType] = {}
        self.lengths: dict[str, int] = {}
        """Of the columns that the statement selects: the lengths of texts, where they are known."""
        self.tree = tree
        self.reads = list(tree.find_all(exp.Table))
        for node in tree.walk():
            if type(node) not in NODES and type(node) not in ADAPTERS_OWN:
                raise NotUnderstoodError(f"{type(node).__name__}: {node.sql('teradata')[:80]}")
        self._infer(catalogue)

    @property
    def is_query(self) -> bool:
        return isinstance(self.tree, exp.Query)

    @property
    def kind(self) -> str:
        """Insert, Merge, Update, Delete or Select."""
        return "Select" if self.is_query else type(self.tree).__name__

    def sql(self) -> str:
        rewrites: list[tuple[type[exp.Expr], Callable[[Any], exp.Expr | None]]] = [
            (exp.Dot, self._method),
            (exp.Anonymous, self._function),
            (exp.RegexpSubstr, self._function),
            (exp.Extract, self._extract),
            (exp.Trunc, self._trunc),
            (exp.Sub, self._difference),
            (exp.Div, self._quotient),
            (exp.EQ, self._comparison),
            (exp.NEQ, self._comparison),
            (exp.GT, self._comparison),
            (exp.GTE, self._comparison),
            (exp.LT, self._comparison),
            (exp.LTE, self._comparison),
            (exp.In, self._among),
            (exp.Between, self._among),
            (exp.Length, lambda node: exp.Anonymous(this="td_length", expressions=[node.this])),
            (exp.Substring, self._substring),
            (exp.Sum, self._sum),
            (exp.TryCast, self._trycast),
            (exp.Cast, self._cast),
        ]
        nodes: dict[type[exp.Expr], dict[int, exp.Expr]] = defaultdict(dict)
        _by_kind(self.tree, nodes)
        for kind, rewrite in rewrites:
            for node in reversed(list(nodes[kind].values())):  # the inner ones first
                is_left = node.root() is self.tree  # not replaced with what it was in
                if is_left and (new := rewrite(node)) is not None:
                    new.meta.update(node.meta)
                    if node is self.tree:
                        self.tree = new
                    else:
                        node.replace(new)
                    _by_kind(new, nodes)
        return self.tree.sql("duckdb")

    # types

    def _infer(self, catalogue: Catalogue) -> None:
        for number, node in enumerate(self.tree.walk()):
            node.meta["number"] = number
        schema = catalogue.schema()
        copy = self.tree.copy()
        for table in copy.find_all(exp.Table):
            for part in ("this", "db"):
                if isinstance(name := table.args.get(part), exp.Identifier):
                    name.set("this", name.this.lower())
        try:
            qualified = qualify(
                copy, schema=schema, dialect="teradata", quote_identifiers=False,
                validate_qualify_columns=False,
            )  # fmt: skip
            typed = annotate_types(qualified, schema=schema, dialect="teradata")
        except SqlglotError as error:
            raise TeradataError(5628, f"columns or types cannot be told: {error}") from error
        for node in typed.walk():
            if node.type and "number" in node.meta:
                self._types.setdefault(node.meta["number"], node.type)
        for union in typed.find_all(exp.SetOperation):
            refuse_first_branch(union)
        for joined in typed.find_all(exp.DPipe):
            refuse_numbers(joined)
            declared(joined)
        for select in typed.find_all(exp.Select):
            self._refuse_two_of_a_name(select)
        if isinstance(typed, exp.Query):
            for item in typed.selects:
                if length := length_of(item):
                    self.lengths[item.alias_or_name.lower()] = length

    @staticmethod
    def _refuse_two_of_a_name(select: exp.Select) -> None:
        """B035-1146 Rules and Restrictions for Derived Tables; a star may bring the second one."""
        if not isinstance(select.parent, exp.Subquery | exp.CTE):
            return
        items = [item for item in select.selects if isinstance(item, exp.Alias | exp.Column)]
        names = [item.alias_or_name.lower() for item in items if not item.is_star]
        if twice := {name for name in names if names.count(name) > 1}:
            raise TeradataError(3515, f"Duplication of column name {sorted(twice)[0]}.")

    def _type(self, node: exp.Expr) -> Any:
        found = self._types.get(node.meta.get("number", -1))
        return found.this if found else None

    def _scale(self, node: exp.Expr) -> int | None:
        found = self._types.get(node.meta.get("number", -1))
        if found is not None and found.this == D.DECIMAL and len(found.expressions) == 2:
            return int(found.expressions[1].name)
        return 0 if found is not None and found.this in WHOLE else None

    # rewrites

    @staticmethod
    def _method(node: exp.Dot) -> exp.Expr | None:
        called = node.expression
        if isinstance(called, exp.Anonymous):
            if (name := called.name.lower()) not in METHODS:
                raise TeradataError(5589, f"Function '{called.name}' does not exist.")
            path = called.expressions[0]
            return exp.Anonymous(this=METHODS[name], expressions=[node.this, path])
        return None

    @staticmethod
    def _function(node: exp.Anonymous | exp.RegexpSubstr) -> exp.Expr | None:
        if isinstance(node, exp.RegexpSubstr):
            arguments = [
                node.args.get(name)
                for name in ("this", "expression", "position", "occurrence", "parameters")
            ]
            if any(argument is None for argument in arguments):
                raise NotUnderstoodError("regexp_substr without all five arguments")
            values = [argument for argument in arguments if argument is not None]
            return exp.Anonymous(this="td_regexp_substr", expressions=values)
        name = node.name.lower()
        if name.startswith("td_"):
            return None
        if name == "numtodsinterval":
            number, unit = node.expressions
            if unit.name.upper() != "SECOND":
                raise NotUnderstoodError(node.sql("teradata"))
            return exp.Anonymous(this="td_seconds", expressions=[number])
        if name not in FUNCTIONS:
            raise TeradataError(5589, f"Function '{node.name}' does not exist.")
        return exp.Anonymous(this=FUNCTIONS[name], expressions=list(node.expressions))

    def _extract(self, node: exp.Extract) -> exp.Expr | None:
        """EXTRACT(SECOND) keeps the fraction."""
        if node.name.upper() != "SECOND":
            return None
        fraction = exp.DataType.build("decimal(8, 6)")
        self._types[node.meta["number"]] = fraction
        micros = exp.Extract(this=exp.var("MICROSECOND"), expression=node.expression)
        seconds = exp.Mul(this=micros, expression=exp.Literal.number("0.000001"))
        return exp.Cast(this=seconds, to=fraction)

    @staticmethod
    def _trunc(node: exp.Trunc) -> exp.Expr | None:
        """Of a number, to so many decimals."""
        if node.args.get("decimals") is None:
            return None
        return exp.Anonymous(this="td_trunc", expressions=[node.this, node.args["decimals"]])

    def _difference(self, node: exp.Sub) -> exp.Expr | None:
        if self._type(node.left) in MOMENTS and self._type(node.right) in MOMENTS | WHOLE:
            raise TeradataError(
                5407, f"Invalid operation for DateTime: {node.sql('teradata')[:80]}"
            )
        return None

    def _quotient(self, node: exp.Div) -> exp.Expr | None:
        """Whole numbers: cut. Double precision as it is.

        B035-1145 Arithmetic Operators, DECIMAL result: the quotient has the larger of both scales,
        which a literal has too (1000000.0 is a DECIMAL(8,1)). No model may rely on it.
        """
        kinds = {
            D.DECIMAL if isinstance(side.unnest(), exp.Literal) and "." in side.name
            else self._type(side)
            for side in (node.left, node.right)
        }  # fmt: skip
        if kinds <= WHOLE:
            return exp.IntDiv(this=node.left, expression=node.right)
        if D.DOUBLE in kinds or D.FLOAT in kinds:
            return None
        raise NotUnderstoodError(f"the type of this quotient: {node.sql('teradata')[:80]}")

    def _refuse_mixed_moments(self, node: exp.Expr, *sides: exp.Expr) -> None:
        """B035-1145 Comparison Operators, Data Type Evaluation: the two compare as dates."""
        kinds = {self._type(side) for side in sides}
        if D.DATE in kinds and kinds & MOMENTS:
            raise NotUnderstoodError(f"a TIMESTAMP beside a DATE: {node.sql('teradata')[:80]}")

    def _among(self, node: exp.In | exp.Between) -> None:
        query = node.args.get("query")
        selected = query.this.selects if query and isinstance(query.this, exp.Query) else []
        given = [*node.expressions, node.args.get("low"), node.args.get("high"), *selected[:1]]
        self._refuse_mixed_moments(node, node.this, *(side for side in given if side is not None))

    def _substring(self, node: exp.Substring) -> exp.Expr:
        start, length = node.args["start"], node.args.get("length")
        if length is None:
            return exp.Anonymous(this="td_rest", expressions=[node.this, start])
        return exp.Anonymous(this="td_substring", expressions=[node.this, start, length])

    def _comparison(self, node: exp.Binary) -> exp.Expr | None:
        """Blanks at the end of texts do not count."""
        if not isinstance(node.parent, exp.Update):
            self._refuse_mixed_moments(node, node.left, node.right)
        if not isinstance(node, exp.EQ | exp.NEQ):
            return None
        if isinstance(node.parent, exp.Update) or isinstance(node.right, exp.Collate):
            return None
        if not {self._type(node.left), self._type(node.right)} <= TEXTS:
            return None
        left, right = (exp.func("rtrim", side) for side in (node.left, node.right))
        return type(node)(this=left, expression=right)

    def _sum(self, node: exp.Sum) -> exp.Expr | None:
        """The sum of an INTEGER is one, and overflows."""
        if self._type(node.this) not in WHOLE - {D.BIGINT} or isinstance(node.parent, exp.Cast):
            return None
        outer = node.parent if isinstance(node.parent, exp.Window) else None
        if outer is not None:
            raise NotUnderstoodError(f"a running sum of INTEGER: {node.sql('teradata')[:60]}")
        return exp.cast(node.copy(), "int")

    def _trycast(self, node: exp.TryCast) -> exp.Expr | None:
        value, kind = node.this, node.to.this
        if kind in MOMENTS:
            value = exp.Anonymous(this="td_try_moment", expressions=[value])
            return exp.TryCast(this=value, to=exp.DataType.build("timestamp"))
        if kind in (D.FLOAT, D.DOUBLE):
            return exp.TryCast(this=value, to=exp.DataType.build("double", dialect="duckdb"))
        if kind in WHOLE | {D.DECIMAL, D.DATE}:
            return None
        raise NotUnderstoodError(node.sql("teradata")[:80])

    def _cast(self, node: exp.Cast) -> exp.Expr | None:
        value, kind, source = node.this, node.to.this, self._type(node.this)
        if isinstance(node.this, exp.Null):
            return exp.Cast(this=value, to=_plain(node.to))
        if kind in TEXTS:
            # B035-1143 Numeric-to-Character, DATE- and TIMESTAMP-to-Character Conversion: by the
            # default formats of the system: `.500000`, `10:00:00.000000`, a date of any DateForm.
            if source in MOMENTS | {D.DATE, D.DECIMAL, D.DOUBLE, D.FLOAT}:
                raise NotUnderstoodError(f"a text without FORMAT: {node.sql('teradata')[:80]}")
            return _cast_to_text(value, node.to)
        if kind in WHOLE:
            # B035-1143 DECIMAL-to-Integer Conversion: the fraction is cut
            if source not in WHOLE | TEXTS:
                value = exp.Anonymous(this="td_whole", expressions=[value])
            return exp.Cast(this=value, to=node.to)
        if kind == D.DECIMAL:
            return self._cast_to_decimal(node, value)
        if kind in MOMENTS and source in TEXTS:
            value = exp.Anonymous(this="td_moment", expressions=[value])
        if kind == D.JSON:
            return exp.Anonymous(this="td_json", expressions=[value])
        return exp.Cast(this=value, to=_plain(node.to))

    def _cast_to_decimal(self, node: exp.Cast, value: exp.Expr) -> exp.Expr:
        """Half to even, where digits are lost."""
        wanted = int(node.to.expressions[1].name) if len(node.to.expressions) > 1 else 0
        scale = self._scale(node.this)
        if (scale is None or scale > wanted) and self._type(node.this) not in TEXTS:
            value = exp.func("round_even", value, exp.Literal.number(wanted))
        return exp.Cast(this=value, to=node.to)


def _by_kind(tree: exp.Expr, nodes: dict[type[exp.Expr], dict[int, exp.Expr]]) -> None:
    """Note each node of a tree, once, under its class."""
    for node in tree.walk():
        nodes[type(node)].setdefault(id(node), node)


def _plain(kind: exp.DataType) -> exp.DataType:
    """The type without what DuckDB does not know."""
    if kind.this in MOMENTS:
        return exp.DataType.build("timestamp")
    if kind.this in (D.FLOAT, D.DOUBLE):
        return exp.DataType.build("double", dialect="duckdb")
    return exp.DataType.build("text") if kind.this in TEXTS else kind.copy()


def _cast_to_text(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """ANSI: what does not fit is an error, but for blanks."""
    if not kind.expressions:
        raise TeradataError(3706, "VARCHAR without a length is VARCHAR(1)")
    text = exp.cast(value, "text")
    return exp.Anonymous(this="td_text", expressions=[text, kind.expressions[0].this.copy()])
