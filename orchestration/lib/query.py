"""`make sql`: read-only questions to the warehouse, answered as CSV."""

import csv
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from ingestion import writer_lock
from ingestion.settings import Settings
from ingestion.warehouse import ALIAS, attach_warehouse, data_path, require_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000


def open_reader(settings: Settings) -> "DuckDBPyConnection":
    """A connection that reads the warehouse and nothing else, with `twist` as default catalog.

    Take a fresh one for each question: maintenance removes what a snapshot older than an hour saw.
    """
    import duckdb

    folder = settings.warehouse_root
    writer_lock.settle(folder)
    require_warehouse(settings)
    conn = duckdb.connect()
    attach_warehouse(conn, settings, read_only=True)
    conn.execute(f"use {ALIAS}.marts")
    readable = ", ".join(
        "'" + place.replace("'", "''") + "'" for place in (f"{folder}/", data_path(settings))
    )
    conn.execute(f"set allowed_directories = [{readable}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")
    return conn


def write_csv(conn: "DuckDBPyConnection", sql: str, out: TextIO) -> None:
    """Write the answer to `sql` as CSV with a header; null is an empty field."""
    answer = conn.execute(sql)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column[0] for column in answer.description or []])
    while rows := answer.fetchmany(ROWS_AT_ONCE):
        writer.writerows(_texts(row) for row in rows)


def _texts(row: Iterable[Any]) -> list[str]:
    return [_text(value) for value in row]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(sep=" ")
    return str(value)
