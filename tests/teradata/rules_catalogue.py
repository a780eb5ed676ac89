"""Every rule the checker knows: id, Teradata error code, what to do instead, where it is written.

A code is what a Teradata would most likely answer; None means that it would answer nothing and
return something else than DuckDB, or that the code is not known. Nothing here was seen on a server.
Sources: `B035-...` is a manual (docs.teradata.com), `#n` an issue of Teradata/dbt-teradata, and
"unproven" what no page we read says.
"""

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

_DML = "B035-1146 Data Manipulation Language"
_FUN = "B035-1145 Functions, Expressions, and Predicates"
_TYP = "B035-1143 Data Types and Literals"
_DDL = "B035-1144 Data Definition Language"
_DAT = "B035-1211 Date and Time Functions and Expressions"
_SQL = "B035-1141 SQL Fundamentals"
_CMP = f"{_FUN}: Supported Comparison Operators"
_SEL = f"{_DML}: SELECT"
_DER = f"{_DML}: Rules and Restrictions for Derived Tables"
_WIN = f"{_FUN}: The Window Specification"
_MRG = f"{_DML}: Rules and Limitations for MERGE"
_SET = f"{_DML}: Set Operators, Data Type Compatibility"


@dataclass(frozen=True)
class Rule:
    id: str
    code: int | None
    message: str
    source: str


_RULES: Final[list[tuple[str, int | None, str, str]]] = [
    # the statement
    ("unparsed", 3706, "not understood, so not allowed to pass", "unproven"),
    ("statement", None, "not a statement of the kind that is expected here", "this project"),
    ("definition", 3706, "CREATE or REPLACE in a form the project does not use", _DDL),
    ("several_statements", 3722, "one statement a request (TERA mode: 3932)", _SQL),
    (
        "multiset",
        None,
        "say MULTISET: a SET table drops equal rows silently",
        f"{_DDL}: CREATE TABLE",
    ),
    ("primary_index", None, "say PRIMARY INDEX: the default is the first column", "#120"),
    # closed lists
    ("construct", 3706, "construct outside the allowed subset", "this project"),
    ("clause", 3706, "clause or option outside the allowed subset", "this project"),
    ("function", 5589, "function outside the allowed list", "this project"),
    ("function_form", 3706, "EXTRACT and SUBSTRING take FROM, POSITION takes IN, no comma", _FUN),
    (
        "trunc_time",
        None,
        "TRUNC returns a DATE, the hour is lost: date + hours * interval '1' hour",
        _DAT,
    ),
    ("operator", 3706, "symbol outside + - * / || = <> < <= > >= ( ) , .", _CMP),
    ("type", 3706, "type outside the allowed list, or without precision", _TYP),
    # spelling
    ("cast_operator", 3706, ":: is not SQL: cast(x as type)", _FUN),
    ("not_equal", 3706, "!= is not an operator: <>", _CMP),
    ("limit", 3706, "no LIMIT: QUALIFY ROW_NUMBER() in models, TOP in queries", _SEL),
    ("offset", 3706, "no OFFSET", _SEL),
    ("clause_order", 3706, "FROM, WHERE, GROUP BY, HAVING or QUALIFY (not both), ORDER BY", _SEL),
    ("if_exists", 3706, "no IF [NOT] EXISTS", _DDL),
    ("create_or_replace", 3706, "no CREATE OR REPLACE: REPLACE VIEW", f"{_DDL}: REPLACE VIEW"),
    ("group_by_all", 3706, "no GROUP BY ALL or ORDER BY ALL: name the columns", _SEL),
    ("join_kind", 3706, "no SEMI, ANTI, ASOF, POSITIONAL or NATURAL join", f"{_SEL}, Join Types"),
    ("join_using", 3706, "no JOIN ... USING: write ON", f"{_SEL}, Join Types"),
    ("join_on", 3706, "a join has an ON, or is a CROSS JOIN by name", f"{_SEL}, Join Types"),
    ("star_exclude", 3706, "no * EXCLUDE, EXCEPT, REPLACE or RENAME: name the columns", _SEL),
    ("count_distinct_list", 3706, "COUNT(DISTINCT ...) takes one expression", f"{_FUN}: COUNT"),
    ("empty_item", 3706, "a comma with nothing before or after it", _SEL),
    ("implicit_alias", None, "write AS: else a forgotten comma makes an alias", "this project"),
    ("filter", 3706, "no FILTER (WHERE ...): aggregate a CASE", f"{_FUN}: Aggregate Functions"),
    ("boolean", 3706, "no TRUE or FALSE: there is no BOOLEAN type, use 1 and 0", _TYP),
    ("ilike", 3706, "no ILIKE: lower(x) like 'pattern'", f"{_FUN}: LIKE"),
    ("date_trunc", 5589, "no DATE_TRUNC: use the project's macro", f"{_FUN}: TRUNC"),
    ("is_distinct", 3706, "no IS [NOT] DISTINCT FROM: coalesce both sides", _CMP),
    ("unnest", 3706, "no UNNEST", _SEL),
    ("lateral", 3706, "no LATERAL", _SEL),
    ("lambda", 3706, "no lambda or arrow", _FUN),
    ("nested_type", 3706, "no arrays, structs, maps or subscripts", _TYP),
    ("values_table", 3706, "no VALUES as a table", _SEL),
    ("time_zone", None, "no AT TIME ZONE: timestamps are UTC without zone", f"{_FUN}: AT"),
    # names
    ("reserved_word", 3707, "reserved word as a name", f"{_SQL}: Restricted Words"),
    ("long_name", 3737, "name of more than 128 characters", f"{_SQL}: Object Names"),
    ("duplicate_column", 3515, "two columns of one name (case does not count)", _DER),
    (
        "unnamed_column",
        None,
        "an expression in a view, table, CTE or derived table has a name",
        _DER,
    ),
    ("derived_name", None, "a derived table has a name of its own in the statement", _DER),
    ("with_alias", 3706, "one name in two CTEs of a model that dbt wraps: use each once", "#161"),
    # types and values
    ("char_length", None, "VARCHAR is VARCHAR(1): say 1 to 32000 characters", _TYP),
    ("char_set", 6706, "say CHARACTER SET UNICODE: LATIN cannot hold every character", _TYP),
    ("untyped_null", None, "NULL alone is an INTEGER: cast it", "unproven"),
    ("date_literal", 6760, "not 'YYYY-MM-DD[ HH:MM:SS[.ffffff]]', or not a real moment", _TYP),
    ("text_as_date", None, "text compared with a date: date '...' or timestamp '...'", _FUN),
    ("interval", 7452, "interval '<number>' and YEAR, MONTH, DAY, HOUR, MINUTE or SECOND", _TYP),
    (
        "timestamp_arithmetic",
        5407,
        "(a - b) day(4) to second(6); never a plain number",
        "B035-1211",
    ),
    ("concat_number", None, "|| pads a number: cast it to VARCHAR first", f"{_FUN}: Concatenation"),
    ("division", None, "integer division cuts: cast both sides", f"{_FUN}: Arithmetic Operators"),
    (
        "quotient",
        None,
        "cast the quotient: its type is another on each engine",
        f"{_FUN}: Arithmetic",
    ),
    (
        "product",
        2616,
        "INTEGER * INTEGER is INTEGER: cast a factor",
        f"{_FUN}: Arithmetic Operators",
    ),
    ("sum", 2616, "SUM(INTEGER) is INTEGER: cast what is summed", f"{_FUN}: SUM, Return Values"),
    # conditions
    ("predicate_value", 3706, "a predicate is no value: case when ... then 1 else 0 end", _FUN),
    ("condition", 3706, "a value is no condition: compare it", _FUN),
    ("aggregate_in_where", 3569, "an aggregate in WHERE or ON: HAVING", _SEL),
    ("window_in_where", 5479, "a window function in WHERE, ON, GROUP BY or HAVING: QUALIFY", _WIN),
    # order
    ("order_by", 3706, "ORDER BY only at the end of a query that stands alone", _DER),
    ("nulls_order", None, "say NULLS FIRST or NULLS LAST: the engines differ", "unproven"),
    ("top_sample", None, "TOP or SAMPLE only in a query that stands alone", f"{_DML}: TOP n, WITH"),
    # windows
    (
        "window_frame",
        None,
        "ROWS frame for aggregates, FIRST_VALUE, LAST_VALUE; not for others",
        _WIN,
    ),
    ("window_order", None, "without ORDER BY the row is any", _WIN),
    ("window_distinct", 3706, "no DISTINCT in a window aggregate", _WIN),
    ("nested_window", None, "a window function inside a window function", _WIN),
    # WITH and set operations
    ("nested_with", 6926, "no WITH inside WITH", f"{_DML}: WITH Modifier; #103"),
    ("set_without_from", 3888, "SELECT without FROM in a set operation", f"{_DML}: Set Operators"),
    ("union_type", None, "the first branch's type holds: cast its literals wide enough", _SET),
    # MERGE
    ("merge_when", 3706, "one WHEN MATCHED (update), one WHEN NOT MATCHED (insert), no AND", _MRG),
    ("merge_key", 5758, "ON has target.column = source.column, joined by AND", f"{_MRG}; #120"),
    ("merge_key_update", 5977, "a column that ON equates may not be updated", f"{_MRG}; #162"),
    ("merge_insert", 3812, "INSERT names its columns, as many as values", _MRG),
]

RULES: Final = {entry[0]: Rule(*entry) for entry in _RULES}


@dataclass(frozen=True)
class Finding:
    """A place in a statement that breaks a rule."""

    rule: Rule
    near: str

    def __str__(self) -> str:
        code = f" [{self.rule.code}]" if self.rule.code else ""
        return f"{self.rule.id}{code}: {self.rule.message}; near `{self.near}`"


def found(rule: str, node: exp.Expr) -> Finding:
    return Finding(RULES[rule], node.sql(dialect="teradata", comments=False)[:70])
