"""Erases persons from the warehouse's tables: the same statements on both engines.

dbt's macros (dbt_project/macros/guards/forget.sql) hold the statements; here are the tables of one
run that they read, and what becomes of the texts of lines that were set aside. On Teradata, which
has no sha256, a load erases its batch here too, before it stages anything.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake.erased_lines import (
    CLICKSTREAM,
    Eraser,
    Forgotten,
    reason_without_quotes,
    visitor_hash,
)
from orchestration.erasure.needles import Needles
from orchestration.erasure.registry import OLD_LINES, erased_before, insert, literal
from orchestration.progress import progress
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engine_protocol import Engine
from orchestration.warehouse.engines import Teradata

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
    "load_erased": {
        "table_name": 64, "object_number": "bigint", "line_number": "bigint",
        "raw_line": 32000, "raw_value": 32000, "reason": 512,
    },
    "load_followed": {
        "object_key": 1024, "old_etag": 128, "etag": 128, "object_size": "bigint",
    },
}  # fmt: skip
"""Their columns: a length in characters, or a type."""
_ROWS = 10_000
"""Lines that were set aside, in memory at once."""
LINES = ("load_clickstream", "load_dead_letters")
"""The tables of a batch whose lines have a person."""


def forget(
    engine: Engine, dbt: Dbt, eraser: Eraser, visitors: Sequence[str], forgotten: Forgotten
) -> None:
    """Erase visitors from every table, in one transaction."""
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

    fill(engine, dbt, "load_rewritten", list(_rewritten(engine, dbt, erased)))
    dbt.run("run-operation", "forget")
    drop(engine, *TABLES_OF_A_RUN, *LINES)


def forget_old(
    engine: Engine, dbt: Dbt, eraser: Eraser, since: datetime | None, before: datetime
) -> None:
    """Erase everybody from the lines that arrived before a moment; up to `since` that is done."""

    def erased(text: str, topic: str) -> tuple[str, str]:
        return eraser.erase_all(text.encode(errors="surrogatepass"), topic).decode(), OLD_LINES

    fill(engine, dbt, "load_forgotten", [])
    fill(engine, dbt, "load_rewritten", list(_rewritten(engine, dbt, erased, (since, before))))
    dbt.run("run-operation", "forget", "--args", json.dumps({"before": literal(before)}))
    drop(engine, *TABLES_OF_A_RUN, *LINES)


def forget_batch(engine: Engine, dbt: Dbt, eraser: Eraser, forgotten: Forgotten) -> None:
    """Erase registered visitors, and old lines, from a batch's tables of lines.

    For an engine that has no sha256; `load_forgotten` then has the visitors that the batch names.
    """
    clicks, letters = (engine.relation("load", table) for table in LINES)
    named = dbt.query(f"select distinct visitor_id from {clicks} where visitor_id is not null")
    theirs = [(who, visitor_hash(forgotten.salt, who)) for (who,) in named if who in forgotten]
    before = erased_before(engine, dbt)
    rows: list[tuple[object, ...]] = []

    def left(text: str | None, topic: str, arrived_at: datetime | None) -> str | None:
        is_old = bool(before and arrived_at and arrived_at < before)
        return text and eraser.of_text(text, topic, forgotten, always=is_old)

    for number, line, text, arrived_at in dbt.query(
        f"select object_number, line_number, raw_line, arrived_at from {clicks} "
        "where raw_line is not null"
    ):
        new = left(text, CLICKSTREAM, arrived_at)
        if new != text:
            rows.append((LINES[0], number, line, new, None, None))
    for number, line, text, value, why, origin, arrived_at in dbt.query(
        "select object_number, line_number, raw_line, raw_value, reason, origin_topic, arrived_at "
        f"from {letters}"
    ):
        new = left(text, DEAD_LETTERS, arrived_at)
        record = left(value, CLICKSTREAM, arrived_at if origin == CLICKSTREAM else None)
        if (new, record) != (text, value):
            reason = reason_without_quotes(why) if why and record != value else why
            rows.append((LINES[1], number, line, new, record, reason))
    fill(engine, dbt, "load_forgotten", theirs)
    fill(engine, dbt, "load_erased", rows)
    given = {"before": literal(before)} if before else {}
    dbt.run("run-operation", "forget_batch", "--args", json.dumps(given))


def _rewritten(
    engine: Engine, dbt: Dbt, erased: Any, arrived: tuple[datetime | None, datetime] | None = None
) -> Iterator[tuple[object, ...]]:
    """The lines set aside whose text changes, as rows of load_rewritten.

    Of all lines, or of the clickstream's that `arrived` from a moment (or ever) to another.
    """
    for table, arrived_at in SET_ASIDE.items():
        name = engine.relation("audit", table)
        reason = "reason" if table == DEAD_LETTERS else "''"
        # A dead letter holds the record as it was sent, under the topic that it was sent to.
        topic = "'clickstream'" if table == DEAD_LETTERS else "topic"
        of_table = f"{name} where raw_line is not null"
        if arrived:
            since, before = arrived
            of_table += f" and topic = 'clickstream' and {arrived_at} < {literal(before)}"
            of_table += f" and {arrived_at} >= {literal(since)}" if since else ""
        for first, last in _portions_of(dbt.query(
            f"select load_id, count(*) as row_count from {of_table} "
            "group by load_id order by load_id nulls first"
        )):  # fmt: skip
            progress()
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
    columns, relation = TABLES_OF_A_RUN[name], engine.relation("load", name)
    suffix = " character set unicode" if isinstance(engine, Teradata) else ""
    described = ", ".join(
        f"{column} {kind if isinstance(kind, str) else f'varchar({kind}){suffix}'}"
        for column, kind in columns.items()
    )
    if isinstance(engine, Teradata):
        drop(engine, name)
        with engine.cursor() as cursor:
            index = f"primary index ({next(iter(columns))})"
            cursor.execute(f"create multiset table {relation} ({described}) {index}")
    else:
        dbt.connection().execute(f"create or replace temp table {name} ({described})")
    insert(engine, dbt, relation, columns, rows)


def drop(engine: Engine, *names: str) -> None:
    """Drop tables of one run where they are kept after it, as on Teradata: they hold ids."""
    if not isinstance(engine, Teradata):
        return
    with engine.reader() as query:
        database = engine.relation("load", "").rstrip(".")
        known = query(f"select tablename from dbc.tablesv where databasename = '{database}'").rows
        for name in {str(name).strip().lower() for (name,) in known} & {*names}:
            query(f"drop table {database}.{name}")
