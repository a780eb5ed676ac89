"""`audit.erasures`: whom to forget, by hash. It is written before anything else is erased."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ingestion.lake.erased_lines import Forgotten, visitor_hash
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engine_protocol import Engine
from orchestration.warehouse.engines import Teradata

OLD_LINES, OLD_LINES_ASKED = "", "asked"
"""The visitor_hash of two rows about everybody's old lines: up to when they were erased, and up to
when the last request asked to erase them."""
COLUMNS: dict[str, int | str] = {
    "visitor_hash": 64, "salt": 64, "why": 1024, "asked_at": "timestamp(6)",
    "staged_rows": "bigint", "fact_rows": "bigint", "set_aside_rows": "bigint",
    "object_count": "bigint",
}  # fmt: skip
"""What a new row has: a length in characters, or a type."""
_AT_ONCE = 500
"""Rows in one statement."""


def literal(value: object) -> str:
    """A value in SQL, for both engines."""
    if value is None or isinstance(value, int):
        return "null" if value is None else str(value)
    if isinstance(value, datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return "'" + str(value).replace("'", "''") + "'"


def portions(rows: Sequence[Any], most: int = _AT_ONCE) -> Iterable[Sequence[Any]]:
    """The rows, so many at a time."""
    return (rows[first : first + most] for first in range(0, len(rows), most))


def registered(engine: Engine, dbt: Dbt) -> Forgotten:
    """The registry, as a set of visitors."""
    found = dbt.query(f"select visitor_hash, salt from {engine.relation('audit', 'erasures')}")
    return Forgotten(found[0][1] if found else "", frozenset(row[0] for row in found))


def erased_before(engine: Engine, dbt: Dbt) -> datetime | None:
    """Up to when the lines of everybody have been erased, or are being."""
    ((before,),) = dbt.query(
        f"select max(erased_before) from {engine.relation('audit', 'erasures')}"
    )
    moment: datetime | None = before
    return moment


def ask(engine: Engine, dbt: Dbt, visitors: Iterable[str], why: str) -> Forgotten:
    """Register visitors, and those of a request that was killed once only; return just them."""
    known = registered(engine, dbt)
    salt = known.salt or secrets.token_hex(16)
    hashes = [visitor_hash(salt, visitor) for visitor in visitors]
    _add(engine, dbt, salt, [each for each in hashes if each not in known.hashes], why)
    return Forgotten(salt, frozenset(hashes))


def old_lines_erased(engine: Engine, dbt: Dbt) -> datetime | None:
    """Up to when everybody's lines were erased by the last run that was completed."""
    found = dbt.query(
        f"select erased_before from {engine.relation('audit', 'erasures')} "
        f"where visitor_hash = {literal(OLD_LINES)} and done_at is not null"
    )
    return found[0][0] if found else None


def ask_old(engine: Engine, dbt: Dbt, before: datetime, why: str) -> None:
    """Register that lines which arrived before a moment lose their person."""
    known = registered(engine, dbt)
    missing = [each for each in (OLD_LINES, OLD_LINES_ASKED) if each not in known.hashes]
    _add(engine, dbt, known.salt or secrets.token_hex(16), missing, why)
    execute(
        dbt,
        [f"update {engine.relation('audit', 'erasures')} set erased_before = {literal(before)}, "
         f"why = {literal(why)}, asked_at = {literal(_now())}, done_at = null "
         f"where visitor_hash = {literal(OLD_LINES_ASKED)}"],
    )  # fmt: skip


def done_old(engine: Engine, dbt: Dbt, before: datetime, why: str, objects: int) -> None:
    """Note that everybody's lines are erased up to a moment."""
    table = engine.relation("audit", "erasures")
    execute(
        dbt,
        [f"update {table} set erased_before = {literal(before)}, why = {literal(why)}, "
         f"done_at = {literal(_now())}, object_count = object_count + {objects} "
         f"where visitor_hash = {literal(OLD_LINES)}",
         f"update {table} set done_at = {literal(_now())} "
         f"where visitor_hash = {literal(OLD_LINES_ASKED)}"],
    )  # fmt: skip


def _add(engine: Engine, dbt: Dbt, salt: str, hashes: Sequence[str], why: str) -> None:
    rows = [(each, salt, why, _now(), 0, 0, 0, 0) for each in hashes]
    insert(engine, dbt, engine.relation("audit", "erasures"), COLUMNS, rows)


def insert(
    engine: Engine,
    dbt: Dbt,
    relation: str,
    columns: Mapping[str, int | str],
    rows: Sequence[Sequence[object]],
) -> None:
    """Insert rows into a table, by their columns' names.

    On Teradata as parameters: a request's text, which its query log keeps, has no ids, and a text
    in it could not be as long as a line.
    """
    names = ", ".join(columns)
    if isinstance(engine, Teradata):
        values = ", ".join("?" for _ in columns)
        with engine.cursor() as cursor:
            for part in portions(rows):
                cursor.executemany(f"insert into {relation} ({names}) values ({values})", part)
    elif rows:
        import pyarrow as pa

        kinds = {"bigint": pa.int64(), "timestamp(6)": pa.timestamp("us")}
        schema = pa.schema([(c, kinds.get(str(kind), pa.string())) for c, kind in columns.items()])
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        connection = dbt.connection()
        connection.register("given_rows", pa.Table.from_pylist(named, schema))
        connection.execute(f"insert into {relation} ({names}) select {names} from given_rows")
        connection.unregister("given_rows")


def done(engine: Engine, dbt: Dbt, hashes: Iterable[str], objects: dict[str, int]) -> None:
    """Note that nothing of them is left, and in how many objects they were."""
    table = engine.relation("audit", "erasures")
    by_count: dict[int, list[str]] = {}
    for each in hashes:
        by_count.setdefault(objects.get(each, 0), []).append(each)
    execute(
        dbt,
        [f"update {table} set done_at = {literal(_now())}, object_count = object_count + {count} "
         f"where visitor_hash in ({', '.join(map(literal, part))})"
         for count, theirs in by_count.items() for part in portions(theirs)],
    )  # fmt: skip


def met_nowhere(engine: Engine, dbt: Dbt, hashes: Sequence[str]) -> int:
    """How many of them no table and no landed object has had, now or in an earlier run."""
    table = engine.relation("audit", "erasures")
    found = 0
    for part in portions(hashes):
        ((count,),) = dbt.query(
            f"select count(*) as unknown_ids from {table} "
            f"where visitor_hash in ({', '.join(map(literal, part))}) "
            "and staged_rows + fact_rows + set_aside_rows + object_count = 0"
        )
        found += count
    return found


def execute(dbt: Dbt, statements: Sequence[str]) -> None:
    """Run statements that change tables; on DuckDB in one transaction."""
    import json

    from orchestration.warehouse.attach import keeps_files

    if not statements:
        return
    if not keeps_files(dbt.settings):
        dbt.run("run-operation", "run_all", "--args", json.dumps({"statements": list(statements)}))
        return
    connection = dbt.connection()
    connection.execute("begin")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
