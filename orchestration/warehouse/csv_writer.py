"""Query results as CSV, for `make sql`."""

import csv
from typing import TYPE_CHECKING, TextIO

from orchestration.shown import visible
from orchestration.warehouse.one_select import one_select

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000


def write_csv(conn: "DuckDBPyConnection", sql: str, out: TextIO) -> None:
    """Write the result of a SELECT as CSV with a header; null is an empty field.

    On a terminal, characters that would steer it are written out.

    Raises:
        SettingsError: it is not one SELECT of tables.
    """
    answer = conn.sql(one_select(conn, sql))
    texts = answer.project("cast(columns(*) as varchar)")
    writer = csv.writer(out, lineterminator="\n")
    shown = _shown if out.isatty() else tuple
    rows = texts.fetchmany(ROWS_AT_ONCE)  # an answer that fails at once writes nothing
    writer.writerow(shown(texts.columns))
    while rows:
        writer.writerows(map(shown, rows))
        rows = texts.fetchmany(ROWS_AT_ONCE)


def _shown(row: tuple[str | None, ...] | list[str]) -> tuple[str | None, ...]:
    return tuple(cell and visible(cell, kept="\n\t") for cell in row)
