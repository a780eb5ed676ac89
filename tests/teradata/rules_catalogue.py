"""Every rule the checker knows: id, Teradata error code, what to do instead, where it is written.

A code is what a Teradata would most likely answer; None means that it would answer nothing and
return something else than DuckDB, or that the code is not known. Nothing here was seen on a server.
Sources: `B035-...` is a manual (docs.teradata.com), with a page where that page was read and else
with its title, where the syntax stands; `#n` is an issue of Teradata/dbt-teradata;
"unproven" is what no page we read says.
"""

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

_SQL = "B035-1141 SQL Fundamentals"
_TYP = "B035-1143 Data Types and Literals"
_DDL = "B035-1144 Data Definition Language"
_FUN = "B035-1145 Functions, Expressions, and Predicates"
_SEL = "B035-1146 Data Manipulation Language"
_DAT = "B035-1211 Date and Time Functions and Expressions"
# Pages that were read.
_WRD = "B035-1141: Restricted Words"
_LIT = "B035-1143: Interval Literals"
_CMP = "B035-1145: Supported Comparison Operators"
_SUM = "B035-1145: SUM, Return Values"
_WIN = "B035-1145: The Window Specification; FIRST_VALUE/LAST_VALUE; LAG/LEAD"
_DER = "B035-1146: Rules and Restrictions for Derived Tables"
_MRG = "B035-1146: Rules and Limitations for MERGE"
_SET = "B035-1146: Set Operators, Data Type Compatibility; B035-1143: Integer Literals"
_TOP = "B035-1146: Rules and Restrictions for the TOP n Operator; WITH Modifiers"
_TRA = "B035-1146: Rules for Transactions Containing DDL Statements"
_WTH = "B035-1146: WITH Modifiers"
_ADD = "B035-1211: Adding and Subtracting Interval Values"
_TRU = "B035-1211: TRUNC(Date)"
_FIX = "dbt-teradata, get_fixture_sql.sql"


@dataclass(frozen=True)
class Rule:
    id: str
    code: int | None
    message: str
    source: str


_RULES: Final[list[tuple[str, int | None, str, str]]] = [
    # the statement
    ("unparsed", 3706, "not understood, so not allowed to pass", "this project"),
    ("statement", None, "not a statement of the kind that is expected here", "this project"),
    ("definition", 3706, "CREATE or REPLACE in a form the project does not use", _DDL),
    ("several_statements", 3722, "one statement a request (TERA mode: 3932)", _TRA),
    ("multiset", None, "say MULTISET: a SET table drops equal rows silently", _DDL),
    ("primary_index", None, "say PRIMARY INDEX: the default is the first column", "#120"),
    # closed lists
    ("construct", 3706, "construct outside the allowed subset", "this project"),
    ("clause", 3706, "clause or option outside the allowed subset", "this project"),
    ("function", 5589, "function outside the allowed list", "this project"),
    ("function_form", 3706, "EXTRACT and SUBSTRING take FROM, POSITION takes IN, no comma", _FUN),
    ("trunc_time", None, "TRUNC returns a DATE: add hours * interval '1' hour to one", _TRU),
    ("operator", 3706, "symbol outside + - * / || = <> < <= > >= ( ) , .", _CMP),
    ("type", 3706, "type outside the allowed list, or without precision", _TYP),
    # spelling
    ("cast_operator", 3706, ":: is not SQL: cast(x as type)", _FUN),
    ("not_equal", 3706, "!= is not an operator: <>", _CMP),
    ("limit", 3706, "no LIMIT: QUALIFY ROW_NUMBER() in models, TOP in queries", _SEL),
    ("offset", 3706, "no OFFSET", _SEL),
    ("clause_order", 3706, "order: FROM, WHERE, GROUP BY, HAVING, QUALIFY, ORDER BY", _SEL),
    ("if_exists", 3706, "no IF [NOT] EXISTS", _DDL),
    ("create_or_replace", 3706, "no CREATE OR REPLACE: REPLACE VIEW", _DDL),
    ("group_by_all", 3706, "no GROUP BY ALL or ORDER BY ALL: name the columns", _SEL),
    ("join_kind", 3706, "no SEMI, ANTI, ASOF, POSITIONAL or NATURAL join", _SEL),
    ("join_using", 3706, "no JOIN ... USING: write ON", _SEL),
    ("join_on", 3706, "a join has an ON, or is a CROSS JOIN by name", _SEL),
    ("star_exclude", 3706, "no * EXCLUDE, EXCEPT, REPLACE or RENAME: name the columns", _SEL),
    ("count_distinct_list", 3706, "COUNT(DISTINCT ...) takes one expression", _FUN),
    ("empty_item", 3706, "a comma with nothing before or after it", _SEL),
    ("implicit_alias", None, "write AS: else a forgotten comma makes an alias", "this project"),
    ("filter", 3706, "no FILTER (WHERE ...): aggregate a CASE", _FUN),
    ("boolean", 3706, "no TRUE or FALSE: there is no BOOLEAN type, use 1 and 0", _TYP),
    ("ilike", 3706, "no ILIKE: lower(x) like 'pattern'", _FUN),
    ("date_trunc", 5589, "no DATE_TRUNC: use the project's macro", _FUN),
    ("is_distinct", 3706, "no IS [NOT] DISTINCT FROM: coalesce both sides", _CMP),
    ("unnest", 3706, "no UNNEST", _SEL),
    ("lateral", 3706, "no LATERAL", _SEL),
    ("lambda", 3706, "no lambda or arrow", _FUN),
    ("nested_type", 3706, "no arrays, structs, maps or subscripts", _TYP),
    ("values_table", 3706, "no VALUES as a table", _SEL),
    ("time_zone", None, "no AT TIME ZONE: timestamps are UTC without zone", _FUN),
    # names
    ("reserved_word", 3707, "reserved word as a name", _WRD),
    ("long_name", 3737, "name of more than 128 characters", _SQL),
    ("duplicate_column", 3515, "two columns of one name (case does not count)", _DER),
    ("unnamed_column", None, "name the expressions of a view, table, CTE or derived table", _DER),
    ("derived_name", None, "a derived table has a name of its own in the statement", _DER),
    ("with_alias", 3706, "one name in two CTEs of a model that dbt wraps: use each once", "#161"),
    # types and values
    ("char_length", None, "VARCHAR is VARCHAR(1): say 1 to 32000 characters", _TYP),
    ("char_set", 6706, "say CHARACTER SET UNICODE: LATIN cannot hold every character", _TYP),
    ("untyped_null", None, "NULL alone is an INTEGER: cast it", "unproven"),
    ("date_literal", 6760, "not 'YYYY-MM-DD[ HH:MM:SS[.ffffff]]', or not a real moment", _TYP),
    ("text_as_date", None, "text compared with a date: date '...' or timestamp '...'", _FUN),
    ("interval", None, "interval '<1 to 4 digits>' day: '1.5' is 15, the sign is outside", _LIT),
    ("month_interval", 2665, "a month later there may be no such day: count days", _ADD),
    ("date_interval", None, "a DATE takes days and more: cast it to TIMESTAMP(6) first", _ADD),
    ("timestamp_arithmetic", 5407, "(a - b) day(4) to second(6); never a plain number", _DAT),
    ("concat_number", None, "|| pads a number: cast it to VARCHAR first", _FUN),
    ("division", None, "integer division cuts: cast both sides", _FUN),
    ("quotient", None, "cast the quotient: the engines give it other types", _FUN),
    ("product", 2616, "INTEGER * INTEGER is INTEGER: cast a factor", _FUN),
    ("substring_start", None, "SUBSTRING counts from the start only: begin at 1 or later", _FUN),
    ("sum", 2616, "SUM(INTEGER) is INTEGER: cast what is summed", _SUM),
    # conditions
    ("predicate_value", 3706, "a predicate is no value: case when ... then 1 else 0 end", _FUN),
    ("condition", 3706, "a value is no condition: compare it", _FUN),
    ("aggregate_in_where", 3569, "an aggregate in WHERE or ON: HAVING", _SEL),
    ("window_in_where", 5479, "a window function in WHERE, ON, GROUP BY or HAVING: QUALIFY", _FUN),
    # order
    ("order_by", 3706, "ORDER BY only at the end of a query that stands alone", _DER),
    ("nulls_order", None, "say NULLS FIRST or NULLS LAST: the engines differ", "unproven"),
    ("top_sample", None, "TOP or SAMPLE only in a query that stands alone", _TOP),
    # windows
    ("window_frame", None, "ROWS for aggregates, FIRST_VALUE and LAST_VALUE; for no other", _WIN),
    ("window_order", None, "without ORDER BY the row is any", _WIN),
    ("window_distinct", 3706, "no DISTINCT in a window aggregate", _WIN),
    ("nested_window", None, "a window function inside a window function", _WIN),
    # WITH and set operations
    ("function_in_with", None, "no function of TD_SYSFNLIB inside WITH: a derived table", _WTH),
    ("nested_with", 6926, "no WITH inside WITH", f"{_WTH}; #103"),
    ("set_without_from", 3888, "SELECT without FROM in a set operation", _FIX),
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
