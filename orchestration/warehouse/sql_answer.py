"""`make sql`: read-only questions to the warehouse, answered as CSV."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import ALIAS, attach_warehouse, data_path, require_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000


def open_reader(
    settings: Settings, writes_to: Path | None = None, threads: int | None = None
) -> "DuckDBPyConnection":
    """A connection that reads the warehouse and nothing else, with `twist` as default catalog.

    An export `writes_to` a folder besides; `threads` (default: the cores) bounds its work. Take a
    fresh one for each question: maintenance removes what a snapshot older than an hour saw.
    """
    import duckdb

    folder = settings.warehouse_root
    writer_lock.settle(folder)
    require_warehouse(settings)
    conn = duckdb.connect(config={"threads": threads} if threads else {})
    attach_warehouse(conn, settings, read_only=True)
    conn.execute(f"use {ALIAS}.marts")
    places = [f"{folder}/", data_path(settings)] + ([f"{writes_to}/"] if writes_to else [])
    readable = ", ".join("'" + place.replace("'", "''") + "'" for place in places)
    conn.execute(f"set allowed_directories = [{readable}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")
    return conn


@contextmanager
def reading(settings: Settings, threads: int | None = None) -> Iterator["DuckDBPyConnection"]:
    """A reader that is closed again; tables that the first load has not made yet are a sentence.

    Raises:
        SettingsError: there is no warehouse, or it lacks a table.
    """
    import duckdb

    reader = open_reader(settings, threads=threads)
    try:
        yield reader
    except duckdb.CatalogException as error:
        raise SettingsError(
            f"the warehouse in {settings.warehouse_root} is not complete "
            f"({str(error).splitlines()[0]}): wait for its first load, or run `make load`"
        ) from None
    finally:
        reader.close()


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
