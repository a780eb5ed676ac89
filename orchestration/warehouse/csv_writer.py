"""Query results as CSV, for `make sql`."""

import csv
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000


def write_csv(conn: "DuckDBPyConnection", sql: str, out: TextIO) -> None:
    """Write the result of `sql` as CSV with a header; null is an empty field."""
    answer = conn.sql(sql)
    if answer is None:  # a statement without a result
        return
    texts = answer.project("cast(columns(*) as varchar)")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(texts.columns)
    while rows := texts.fetchmany(ROWS_AT_ONCE):
        writer.writerows(rows)
