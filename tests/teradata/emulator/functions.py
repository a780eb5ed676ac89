"""Teradata's functions in DuckDB, and its dictionary views.

Regular expressions are Perl's there, so they are taken to `re`, not to DuckDB's own engine; and to
`regex` only for recursion and \\K: with a back reference it misses some matches that Perl finds.
"""

import json
import re
from functools import cache, lru_cache
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
    for name, function in (("td_json_check", json_check), ("td_json_members", json_members)):
        types = [text] if name == "td_json_check" else [text, text]
        create_function(name, function, types, text, null_handling="special")
    create_function(
        "td_substring_of_units", substring, [text, number, number], text, null_handling="special"
    )
    create_function("td_units", _units, [text], number)
    database.execute(MACROS)
    database.execute(DICTIONARY)


@cache
def _pattern(text: str) -> Any:
    if len(text.encode("utf-16-le")) > 32_000:
        raise TeradataError(9134, "a pattern of more than 32,000 bytes")
    try:
        return re.compile(text)
    except re.error:
        return regex.compile(text)


def regexp_similar(source: str | None, pattern: str | None, options: str | None) -> int | None:
    """1 where the whole text matches."""
    if source is None or pattern is None:
        return None
    _limits(source, options)
    return 1 if _pattern(pattern).fullmatch(source) else 0


def regexp_substr(
    source: str | None, pattern: str | None, start: int, nth: int, options: str | None
) -> str | None:
    """The first match.

    B035-1145 REGEXP_SUBSTR, Argument Types and Rules: it may have 16,000 bytes, else an error.
    """
    if source is None or pattern is None:
        return None
    _limits(source, options)
    if (start, nth) != (1, 1):
        raise TeradataError(9134, "regexp_substr from elsewhere than the start")
    found = _pattern(pattern).search(source)
    if found and _units(found[0]) > 8_000:
        raise TeradataError(9134, "a match of more than 16,000 bytes")
    return str(found[0]) if found else None


def _units(text: str) -> int:
    """Its length: B035-1125 Unicode Pass Through, a character outside the BMP counts as two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def substring(text: str | None, start: int, length: int | None) -> str | None:
    """Of a text with characters outside the BMP: none of them is split."""
    if text is None:
        return None
    at, end, kept = 1, float("inf") if length is None else start + length, []
    for character in text:
        after = at + (2 if character > "\uffff" else 1)
        if at >= start and after <= end:
            kept.append(character)
        at = after
    return "".join(kept)


def json_check(text: str | None) -> str | None:
    """B035-1150 JSON_CHECK: 'OK', or 'INVALID: …'; a key twice is no error of syntax."""
    if text is None:
        return None
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return f"INVALID: {error}"
    return "OK"


def _no_constant(word: str) -> None:
    raise ValueError(word)


def json_members(document: str | None, path: str | None) -> str | None:
    """B035-1150 JSONExtract: an array of the first value found, as written; null without one."""
    if document is None or path is None:
        return None
    if not re.fullmatch(r"\$\.\w+", path):
        raise TeradataError(9134, f"JSON path {path}: the stand-in knows $.name")
    value = _members(document).get(path[2:])
    return None if value is None else f"[{value}]"


@lru_cache(maxsize=64)
def _members(document: str) -> dict[str, str]:
    """The members of a JSON object as they are written, by key."""
    found: dict[str, str] = {}
    at = document.index("{") + 1
    while True:
        at = _SPACE.match(document, at).end()  # type: ignore[union-attr]  # it matches nothing too
        if document[at] == "}":
            return found
        key, at = _DECODER.raw_decode(document, at)
        at = _COLON.match(document, at).end()  # type: ignore[union-attr]
        _, end = _DECODER.raw_decode(document, at)
        found.setdefault(key, document[at:end])
        at = end


_DECODER = json.JSONDecoder()
_SPACE, _COLON = re.compile(r"[ \t\r\n,]*"), re.compile(r"[ \t\r\n]*:[ \t\r\n]*")


def _limits(source: str, options: str | None) -> None:
    """B035-1145 REGEXP_SIMILAR, Argument Types and Rules: a source may have 64,000 bytes."""
    if len(source) > 16_000 and _units(source) > 32_000:
        raise TeradataError(9134, "a source of more than 64,000 bytes")
    if options != "c":
        raise TeradataError(9134, f"match options {options!r}: the project says 'c'")


_MOMENT = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?\s*"
MACROS = r"""
create or replace macro td_is_plain(x) as strlen(x) - length(x) < 3;
create or replace macro td_length_of(x) as
    case when td_is_plain(x) then length(x) else td_units(x) end;
create or replace macro td_length(x) as list_transform([x], lambda v: td_length_of(v))[1];
create or replace macro td_substring(x, start, n) as list_transform([x], lambda v:
    case when td_is_plain(v) then substring(v, start, n)
    else td_substring_of_units(v, cast(start as integer), cast(n as integer)) end)[1];
create or replace macro td_rest(x, start) as list_transform([x], lambda v:
    case when td_is_plain(v) then substring(v, start)
    else td_substring_of_units(v, cast(start as integer), null) end)[1];
create or replace macro td_text(x, n) as list_transform([x], lambda v: case
    when td_length_of(rtrim(v)) > n then error('3996 right truncation')
    when td_length_of(v) > n then left(v, n) else v end)[1];
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
    when json_valid(x) then cast(x as json) else error('7548 not JSON') end;
create or replace macro td_json_extract(document, path) as
    td_json_members(cast(document as varchar), path);
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
