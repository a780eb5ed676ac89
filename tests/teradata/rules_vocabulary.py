"""The closed subset of SQL that may be sent to Teradata: what is not listed here is a finding.

To use one more function or clause, first make sure that both engines have it and agree on it, then
add it here, with a statement in `rules_cases` that uses it.
"""

from typing import Final

from sqlglot import exp

NodeClass = type[exp.Expr]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Each class of syntax tree node that may occur, with the arguments it may carry. An argument that
# is not named (`Select.windows`, `Join.using`, `CTE.materialized` ...) is a finding when it is set.
_QUERY = "with_ this expression distinct order"
_BINARY = "this expression"
_PLAIN: Final[dict[NodeClass, str]] = {
    # queries
    exp.Select: "with_ expressions distinct from_ joins where group having qualify order limit",
    exp.Union: _QUERY,
    exp.Except: _QUERY,
    exp.Intersect: _QUERY,
    exp.Subquery: "this alias",
    exp.With: "expressions",
    exp.CTE: "this alias",
    exp.From: "this",
    exp.Table: "this db alias sample joins",  # joins: the list of UPDATE … FROM
    exp.TableAlias: "this columns",
    exp.TableSample: "size",
    exp.Join: "this on side kind",
    exp.Where: "this",
    exp.Group: "expressions",
    exp.Having: "this",
    exp.Qualify: "this",
    exp.Order: "expressions",
    exp.Ordered: "this desc nulls_first",
    exp.Limit: "expression",  # TOP; the text rule `limit` tells the two apart
    exp.Distinct: "expressions",
    exp.Star: "",
    # windows
    exp.Window: "this partition_by order spec over",
    exp.WindowSpec: "kind start start_side end end_side",
    exp.IgnoreNulls: "this",
    # names and values
    exp.Alias: "this alias",
    exp.Column: "this table",
    exp.Identifier: "this quoted",
    exp.Literal: "this is_string",
    exp.Null: "",
    exp.Interval: "this unit",
    exp.Var: "this",
    exp.Paren: "this",
    exp.Tuple: "expressions",
    # operators and predicates
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: "this expression typed safe",
    exp.Mod: _BINARY,
    exp.Neg: "this",
    exp.DPipe: "this expression safe",
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: "this",
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.Is: "this expression negate",
    exp.In: "this expressions query",
    exp.Between: "this low high",
    exp.Like: "this expression negate",
    exp.Escape: _BINARY,
    exp.Exists: "this",
    exp.Case: "this ifs default",
    exp.If: "this true",  # a WHEN of a CASE; the function IF is not in FUNCTIONS
    # types
    exp.Cast: "this to",
    exp.TryCast: "this to safe",
    exp.DataType: "this expressions",
    exp.DataTypeParam: "this",
    # functions; the names they may be written with are in FUNCTIONS
    exp.Abs: "this",
    exp.Ceil: "this",
    exp.Coalesce: "this expressions",
    exp.Count: "this big_int",
    exp.CurrentDate: "",
    exp.CurrentTimestamp: "this",
    exp.Extract: _BINARY,
    exp.FirstValue: "this",
    exp.Floor: "this",
    exp.Lag: "this offset default",
    exp.LastValue: "this",
    exp.Lead: "this offset default",
    exp.Length: "this",
    exp.Lower: "this",
    exp.Max: "this",
    exp.Min: "this",
    exp.Nullif: _BINARY,
    exp.Rank: "",
    exp.RegexpSubstr: "this expression position occurrence parameters",
    exp.RowNumber: "",
    exp.StrPosition: "this substr",
    exp.Substring: "this start length",
    exp.Sum: "this",
    exp.Trim: "this position",
    exp.Trunc: "this decimals",
    exp.Upper: "this",
    exp.Anonymous: "this expressions",  # a function sqlglot has no class for
    exp.Dot: _BINARY,  # column.JSONExtractValue('$.path')
    exp.AtTimeZone: "this zone",  # what `rules_masks.mask` puts for an interval qualifier
    # statements
    exp.Merge: "this using on whens",
    exp.Whens: "expressions",
    exp.When: "matched then",
    exp.Update: "this from_ expressions where",
    exp.Insert: "this expression",
    exp.Schema: "this expressions",
    exp.Create: "this kind",
    exp.ColumnDef: "this kind constraints",
    exp.ColumnConstraint: "kind",
    exp.NotNullColumnConstraint: "",
}
# Arguments without which a node is not complete, though sqlglot makes do.
REQUIRED: Final[dict[NodeClass, str]] = {
    exp.Select: "expressions",
    exp.Count: "this",
    exp.Coalesce: "expressions",
    exp.ColumnDef: "kind",
}
JOINS: Final = frozenset(
    {("", ""), ("", "INNER"), ("", "CROSS")}
    | {(side, kind) for side in ("LEFT", "RIGHT", "FULL") for kind in ("", "OUTER")}
)
NODES: Final = {node: _words(names) for node, names in _PLAIN.items()}

# Functions, as they are written. The second group exists on Teradata alone and is for the macros
# that render one spelling for each engine.
FUNCTIONS: Final = _words(
    """
    abs cast ceiling char_length character_length coalesce count current_timestamp extract
    first_value floor lag last_value lead lower max min nullif position rank row_number substr
    substring sum trim upper
    hashbucket hashrow json_check jsonextract jsonextractlargevalue jsonextractvalue
    nullifzero numtodsinterval oreplace
    regexp_similar regexp_substr trunc trycast zeroifnull
    """
)

# Of those, the functions sqlglot has no class for that are part of SQL, not of TD_SYSFNLIB.
BUILT_IN: Final = _words("hashbucket hashrow nullifzero zeroifnull")

# How many arguments the functions take for which sqlglot has no class.
ARGUMENTS: Final = {
    "hashbucket": range(1, 2),
    "hashrow": range(1, 65),
    "json_check": range(1, 2),
    "jsonextract": range(1, 2),
    "jsonextractlargevalue": range(1, 2),
    "jsonextractvalue": range(1, 2),
    "nullifzero": range(1, 2),
    "numtodsinterval": range(2, 3),
    "oreplace": range(2, 4),
    "regexp_similar": range(2, 4),
    "zeroifnull": range(1, 2),
}

# Words that may stand before "(" without being a function, types among them.
SYNTAX: Final = _words(
    """
    all and as between by case distinct else escape except exists from having in insert intersect
    join like minus not on or over qualify select set then union using values when where with
    char decimal json numeric timestamp varchar
    """
)

# Types, as they are written after AS in a CAST: FLOAT has 32 bits in DuckDB and 64 on Teradata,
# CHAR is padded there (B035-1143 CHARACTER Data Type), INT8, HUGEINT, STRING, TEXT, BOOLEAN,
# TIMESTAMPTZ and UUID are unknown or mean something else.
TYPES: Final = _words(
    "bigint date decimal double int integer json numeric smallint timestamp varchar"
)
DATA_TYPES: Final = frozenset(
    {
        exp.DType.BIGINT,
        exp.DType.DATE,
        exp.DType.DECIMAL,
        exp.DType.DOUBLE,
        exp.DType.INT,
        exp.DType.JSON,
        exp.DType.SMALLINT,
        exp.DType.TIMESTAMP,
        exp.DType.VARCHAR,
    }
)
MAX_UNICODE_CHARACTERS: Final = 32_000
MAX_NAME: Final = 128

# TRUNC(moment, format): the formats that leave a day or more.
TRUNC_FORMATS: Final = _words("dd mm yyyy")

INTERVAL_UNITS: Final = _words("year month day hour minute second")

# B035-1141, Restricted Words: reserved and reserved for the future. A system's own list is the view
# SYSLIB.SQLRestrictedWords. A few words too many cost a rename, one too few costs a failed run.
RESERVED: Final = _words(
    """
    abort abortsession abs access_lock account acos acosh add add_months admin after aggregate
    alias all alter amp and ansidate any arglparen as asc asin asinh at atan atan2 atanh atomic
    authorization ave average avg before begin between bigint binary blob both bt but by byte
    byteint bytes call case case_n casespecific cast catalog cd char char2hexint char_length
    character character_length characters chars check checkpoint class clob close cluster cm
    coalesce collation collect column comment commit compress connect constraint constructor
    consume contains continue convert_table_header corr cos cosh count covar_pop covar_samp
    create cross cs csum ct ctcontrol cube current current_date current_role current_time
    current_timestamp current_user cursor cv cycle database datablocksize date dateform day
    deallocate dec decimal declare default deferred degrees del delete desc descriptor
    deterministic diagnostic disabled distinct do domain double drop dual dump dynamic each echo
    else elseif enabled end eq equals error errorfiles errortables escape et except exec execute
    exists exit exp expand expanding explain external extract fallback fastexport fetch first
    float flush for foreign format found freespace from full function ge generated get give go
    goto grant graphic group grouping gt handler hash hashamp hashbakamp hashbucket hashrow
    having help hour id2bigint identity if immediate in inconsistent index indicator initiate
    inner inout input ins insert instance instead int integer integerdate intersect interval
    into is iterate jar join journal key kurtosis language large le leading leave left like
    limit ln loading local locator lock locking log logging logon long loop lower lt macro map
    mavg max maximum mcharacters mdiff merge method min mindex minimum minus minute mlinreg
    mload mod mode modifies modify monitor monresource monsession month msubstr msum multiset
    named natural ne new new_table next no none nontemporal normalize not nowait null nullif
    nullifzero number numeric object objects octet_length of off old old_table on only open
    option or order ordering out outer over overlaps override parameter password percent
    percent_rank perm permanent position precision prepare preserve primary private privileges
    procedure profile protection public qualified qualify quantile queue radians random range_n
    rank reads real recursive references referencing regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy relative release rename repeat
    replace replcontrol replication request resignal restart restore result resume ret retrieve
    return returns revalidate revoke right rights role rollback rollforward rollup row
    row_number rowid rows sample sampleid scroll second sel select session set setresrate sets
    setsessrate show signal sin sinh skew smallint some soundex specific spool sql sqlexception
    sqltext sqlwarning sqrt ss start startup statement statistics stddev_pop stddev_samp
    stepinfo string_cs subscriber substr substring sum summary suspend table tan tanh tbl_cs
    temporary terminate then threshold time timestamp timezone_hour timezone_minute title to top
    trace trailing transaction transactiontime transform translate translate_chk trigger trim
    type uc udtcastas udtcastlparen udtmethod udttype udtusage uescape undefined undo union
    unique until until_changed until_closed upd update upper uppercase user using validtime
    value values var_pop var_samp varbyte varchar vargraphic variant_type varying view volatile
    wait when where while width_bucket with without work xmlplan year zeroifnull zone
    """
)
