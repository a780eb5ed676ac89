"""How Teradata writes a closed day into the history lake: WRITE_NOS, one or more objects per AMP.

WRITE_NOS overwrites nothing and leaves what a failed request has written, so each export has a
folder of its own. The manifest lists its files once they have been read back and compared.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from ingestion.s3 import let_duckdb_in
from ingestion.settings import Settings, SettingsError
from orchestration.history import manifests
from orchestration.history.manifests import TABLES, Content, Written
from orchestration.warehouse.engine_protocol import Query
from orchestration.warehouse.engines import engine_of


def write_day(settings: Settings, day: date, stamp: int) -> Written:
    """Write a closed day's tables, read them back and compare.

    Raises:
        HistoryError: what was read back is not what the tables hold.
        SettingsError: TWIST_TERADATA_HISTORY is not set, or Teradata refuses.
    """
    if not settings.teradata_history:
        raise SettingsError(
            "TWIST_TERADATA_HISTORY is empty: set it to the history lake as Teradata names it, "
            "such as /s3/bucket.s3.amazonaws.com/history (dbt_project/docs/teradata.md)"
        )
    import duckdb

    attempt = f"{stamp}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    written: Written = {}
    engine = engine_of(settings)
    with engine.reader() as query, duckdb.connect() as conn:
        let_duckdb_in(conn, settings, settings.history_root)
        for table, column in TABLES.items():
            published = engine.relation("marts", table)
            names = query(f"select * from {published} where 1 = 0").columns
            rows = (
                f"select {', '.join(name for name in names if name != 'load_id')} "
                f"from {published} where {manifests.of_day(column, day)}"
            )
            files = _write(query, settings, rows, f"{manifests.day_folder(table, day)}/{attempt}")
            content = manifests.content_of(
                conn, manifests.rows_of([f"{settings.history_root}/{f}" for f in files])
            )
            _compare(query, rows, table, day, content)
            written[table] = content, files
    return written


def _write(query: Query, settings: Settings, rows: str, folder: str) -> list[str]:
    """Write a query's rows into a folder of the history lake; the files, from its root."""
    root = f"{settings.teradata_history}/"
    written = query(
        f"select objectname from write_nos (on ({rows}) using location('{root}{folder}/') "
        f"authorization({settings.db_prefix}_landing.history_access) storedas('PARQUET') "
        "compression('SNAPPY')) as written"
    ).rows
    return sorted(str(name)[len(root) :] for (name,) in written)


def _compare(query: Query, rows: str, table: str, day: date, found: Content) -> None:
    sums = "".join(
        f", sum(cast({name} as decimal(38, {_decimals(found.columns[name])}))) as {name}"
        for name in found.sums
    )
    (answer,) = query(
        f"select cast(count(*) as bigint) as row_count{sums} from ({rows}) as of_day"
    ).rows
    totals: Sequence[Any] = answer[1:]
    expected = Content(
        int(answer[0]),
        found.checksum,
        dict(zip(found.sums, map(manifests.plain, totals), strict=True)),
        found.columns,
    )
    manifests.compare(table, day, expected, found)


def _decimals(kind: str) -> int:
    """Of DECIMAL(18,6): 6."""
    return int(kind.rstrip(")").partition(",")[2] or 0)
