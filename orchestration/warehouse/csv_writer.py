"""Query results as CSV, for `make sql`."""

import csv
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000


def write_csv(conn: "DuckDBPyConnection", sql: str, out: TextIO) -> None:
    """Write the result of `sql` as CSV with a header; null is an empty field."""
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
