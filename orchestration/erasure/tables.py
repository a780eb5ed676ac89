"""Erases persons from the warehouse's tables: the same statements on both engines.

dbt's macros (dbt_project/macros/guards/forget.sql) hold the statements; here are the tables of one
run that they read, and what becomes of the texts of lines that were set aside.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake.erased_lines import Eraser, Forgotten, reason_without_quotes, visitor_hash
from orchestration.erasure.needles import Needles
from orchestration.erasure.registry import (
    OLD_LINES,
    execute,
    literal,
    portions,
    registered,
    rows_of,
)
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engine_protocol import Engine

SET_ASIDE = {
    "late_events": "arrived_at",
    "quarantined_lines": "coalesce(arrived_at, quarantined_at)",
    "conflicting_copies": "arrived_at",
    "dead_letters": "letter_arrived_at",
}
"""The tables that keep texts of lines, and when each arrived."""
TABLES_OF_A_RUN: dict[str, dict[str, int | str]] = {
    "load_forgotten": {"visitor_id": 128, "visitor_hash": 64},
    "load_rewritten": {
        "table_name": 64, "object_key": 1024, "etag": 128, "line_number": "bigint",
        "raw_line": 32000, "reason": 512, "visitor_hash": 64,
    },
    "load_followed": {
        "object_key": 1024, "old_etag": 128, "etag": 128, "object_size": "bigint",
    },
}  # fmt: skip
"""Their columns: a length in characters, or a type."""
_ROWS = 10_000
"""Lines that were set aside, in memory at once."""


def forget(
    engine: Engine,
    dbt: Dbt,
    eraser: Eraser,
    visitors: Sequence[str],
    forgotten: Forgotten,
    of_lines: str = "1 = 1",
) -> None:
    """Erase visitors from every table, in one transaction on DuckDB."""
    asked = [(each, visitor_hash(forgotten.salt, each)) for each in visitors if len(each) <= 128]
    fill(engine, dbt, "load_forgotten", asked)
    needles = Needles(visitors)

    def erased(text: str, topic: str) -> tuple[str, str]:
        found, whose = eraser.erase(
            text.encode(errors="surrogatepass"), topic, forgotten.__contains__,
            lambda line: needles.find(line, within_text=True),
        )  # fmt: skip
        known = visitor_hash(forgotten.salt, whose[0]) if whose else ""
        return found.decode(errors="surrogatepass"), known

    fill(engine, dbt, "load_rewritten", list(_rewritten(engine, dbt, erased, of_lines)))
    dbt.run("run-operation", "forget")


def forget_old(engine: Engine, dbt: Dbt, eraser: Eraser, before: datetime) -> None:
    """Erase everybody from the lines that arrived before a moment."""

    def erased(text: str, topic: str) -> tuple[str, str]:
        return eraser.erase_all(text.encode(errors="surrogatepass"), topic).decode(), OLD_LINES

    fill(engine, dbt, "load_forgotten", [])
    fill(engine, dbt, "load_rewritten", list(_rewritten(engine, dbt, erased, before)))
    dbt.run("run-operation", "forget", "--args", json.dumps({"before": literal(before)}))


def forget_loaded(engine: Engine, dbt: Dbt, eraser: Eraser, since: int) -> None:
    """Erase registered visitors from what was staged and set aside by loads after `since`.

    For an engine that cannot compare hashes by itself while it loads.
    """
    forgotten = registered(engine, dbt)
    if not forgotten.hashes:
        return
    staged = engine.relation("staging", "stg_clickstream__events")
    loaded = dbt.query(
        f"select distinct visitor_id from {staged} "
        f"where load_id > {since} and visitor_id is not null"
    )
    visitors = [visitor for (visitor,) in loaded if visitor in forgotten]
    forget(engine, dbt, eraser, visitors, forgotten, f"load_id > {since}")


def _rewritten(
    engine: Engine, dbt: Dbt, erased: Any, before: datetime | str
) -> Iterator[tuple[object, ...]]:
    """The lines set aside whose text changes, as rows of load_rewritten.

    `before` is a moment of their arrival, or any condition.
    """
    for table, arrived_at in SET_ASIDE.items():
        name = engine.relation("audit", table)
        reason = "reason" if table == DEAD_LETTERS else "''"
        # A dead letter holds the record as it was sent, under the topic that it was sent to.
        topic = "'clickstream'" if table == DEAD_LETTERS else "topic"
        old = f"{arrived_at} < {literal(before)}" if isinstance(before, datetime) else before
        whose = "and topic = 'clickstream'" if isinstance(before, datetime) else ""
        of_table = f"{name} where raw_line is not null and {old} {whose}"
        for first, last in _portions_of(dbt.query(
            f"select load_id, count(*) from {of_table} group by load_id order by load_id"
        )):  # fmt: skip
            sql = (
                f"select object_key, etag, line_number, {topic} as line_topic, raw_line, {reason} "
                f"as line_reason from {of_table} and load_id >= {first} and load_id <= {last}"
            )
            for key, etag, line, of_topic, text, why in dbt.query(sql):
                left, known = erased(text, of_topic)
                if left != text:
                    yield table, key, etag, line, left, reason_without_quotes(why), known


def _portions_of(counts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges of loads that have `_ROWS` rows together, or one load that has more."""
    first, rows = None, 0
    for at, (load, count) in enumerate(counts):
        first, rows = load if first is None else first, rows + count
        if rows + (counts[at + 1][1] if at + 1 < len(counts) else _ROWS) > _ROWS:
            yield first, load
            first, rows = None, 0


def fill(engine: Engine, dbt: Dbt, name: str, rows: Sequence[Sequence[object]]) -> None:
    """Create a table of one run with these rows."""
    columns = TABLES_OF_A_RUN[name]
    on_duckdb = engine.knows_etags
    if on_duckdb:
        import pyarrow as pa

        kinds = {"bigint": pa.int64()}
        schema = pa.schema([(c, kinds.get(str(kind), pa.string())) for c, kind in columns.items()])
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        connection = dbt.connection()
        connection.register("rows_of_a_run", pa.Table.from_pylist(named, schema))
        connection.execute(f"create or replace temp table {name} as from rows_of_a_run")
        connection.unregister("rows_of_a_run")
        return
    types = [
        kind if isinstance(kind, str) else f"varchar({kind}) character set unicode"
        for kind in columns.values()
    ]
    described = ", ".join(f"{column} {kind}" for column, kind in zip(columns, types, strict=True))
    relation = engine.relation("load", name)
    if dbt.query(
        "select tablename from dbc.tablesv where "
        f"databasename = '{relation.split('.')[0]}' and tablename = '{name}'"
    ):
        execute(dbt, [f"drop table {relation}"])
    first = next(iter(columns))
    execute(
        dbt,
        [f"create multiset table {relation} ({described}) primary index ({first})",
         *(f"insert into {relation} ({', '.join(columns)}) {rows_of(part, types)}"
           for part in portions(rows, 50))],
    )  # fmt: skip
