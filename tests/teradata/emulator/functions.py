"""Teradata's functions in DuckDB, and its dictionary views.

Regular expressions are Perl's there, so they are taken to `regex`, not to DuckDB's own engine.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import regex  # type: ignore[import-untyped]  # it has no stubs

from tests.teradata.emulator.errors import TeradataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def register(database: "DuckDBPyConnection") -> None:
    """Make everything that translated statements call."""
    create_function: Any = database.create_function  # its stubs know no names of types
    text, number = "VARCHAR", "INTEGER"
    create_function(
        "td_regexp_similar", regexp_similar, [text] * 3, number, null_handling="special"
    )
    create_function(
        "td_regexp_substr",
        regexp_substr,
        [text, text, number, number, text],
        text,
        null_handling="special",
    )
    database.execute(MACROS)
    database.execute(DICTIONARY)


@cache
def _pattern(text: str) -> Any:
    if len(text.encode("utf-16-le")) > 32_000:
        raise TeradataError(9134, "a pattern of more than 32,000 bytes")
    return regex.compile(text)


def regexp_similar(source: str | None, pattern: str | None, options: str | None) -> int | None:
    """1 where the whole text matches."""
    if source is None or pattern is None:
        return None
    _only_case_specific(options)
    return 1 if _pattern(pattern).fullmatch(source) else 0


def regexp_substr(
    source: str | None, pattern: str | None, start: int, nth: int, options: str | None
) -> str | None:
    """The first match."""
    if source is None or pattern is None:
        return None
    _only_case_specific(options)
    if (start, nth) != (1, 1):
        raise TeradataError(9134, "regexp_substr from elsewhere than the start")
    found = _pattern(pattern).search(source)
    return str(found[0]) if found else None


def _only_case_specific(options: str | None) -> None:
    if options != "c":
        raise TeradataError(9134, f"match options {options!r}: the project says 'c'")


_MOMENT = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?\s*"
MACROS = r"""
create or replace macro td_text(x, n) as case
    when length(rtrim(x)) > n then error('3996 right truncation') else left(x, n) end;
create or replace macro td_whole(x) as cast(trunc(x) as hugeint);
create or replace macro td_moment(x) as case
    when x is null then null
    when regexp_full_match(cast(x as varchar), 'MOMENT') then cast(x as varchar)
    else error('6760 invalid timestamp') end;
create or replace macro td_try_moment(x) as case
    when regexp_full_match(cast(x as varchar), 'MOMENT') then cast(x as varchar) end;
create or replace macro td_seconds(x) as to_microseconds(cast(x * 1000000 as bigint));
create or replace macro td_json(x) as case
    when x is null then null
    when json_valid(x) then json(x) else error('7548 not JSON') end;
create or replace macro td_json_value(document, path) as case
    when length(json_extract_string(document, path)) > 4096 then error('7551 more than 4096')
    when json_type(document, path) in ('NULL', 'OBJECT', 'ARRAY') then null
    else json_extract_string(document, path) end;
create or replace macro td_json_large_value(document, path) as case
    when json_type(document, path) in ('NULL', 'OBJECT', 'ARRAY') then null
    else json_extract_string(document, path) end;
create or replace macro td_trunc(x, places) as cast(regexp_extract(
    cast(x as varchar), '^-?[0-9]+([.][0-9]{0,' || places || '})?') as decimal(38, 6));
create or replace macro td_replace(a, b, c) as replace(a, b, c);
create or replace macro td_hash(x) as left(md5(x), 8);
create or replace macro td_hash_bucket(hash) as cast('0x' || left(hash, 5) as integer);
""".replace("MOMENT", _MOMENT)

DICTIONARY = """
create schema if not exists "DBC";
create schema if not exists td;
create table if not exists td.databases (name varchar);
create table if not exists td.tables (db varchar, tbl varchar, kind varchar);
create table if not exists td.columns (db varchar, tbl varchar, col varchar, place integer,
    type varchar, length integer, charset integer, precision integer, scale integer);
create or replace view "DBC".DatabasesV as select name as "DatabaseName" from td.databases;
create or replace view "DBC".TablesV as
    select db as "DatabaseName", tbl as "TableName",
        case kind when 'F' then 'T' else kind end as "TableKind",
        cast(null as varchar) as "CommentString", localtimestamp as "LastAlterTimeStamp"
    from td.tables;
create or replace view "DBC".ColumnsV as
    select db as "DatabaseName", tbl as "TableName", col as "ColumnName",
        1024 + place as "ColumnID",
        case type when 'VARCHAR' then 'CV' when 'BIGINT' then 'I8' when 'INTEGER' then 'I'
            when 'SMALLINT' then 'I2' when 'BYTEINT' then 'I1' when 'DOUBLE' then 'F'
            when 'DATE' then 'DA' when 'TIMESTAMP' then 'TS' when 'DECIMAL' then 'D'
            when 'JSON' then 'JN' else '??' end as "ColumnType",
        length * charset as "ColumnLength",
        case when type = 'VARCHAR' then charset else 0 end as "CharType",
        precision as "DecimalTotalDigits", scale as "DecimalFractionalDigits",
        cast(null as varchar) as "CommentString"
    from td.columns;
"""
