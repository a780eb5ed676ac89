"""How Teradata writes a closed day into the history lake: WRITE_NOS, one or more objects an AMP.

WRITE_NOS overwrites nothing and leaves what a failed request has written, so each export has a
folder of its own, named by the manifest once what lies in it was read back and compared. What other
exports of the day have left goes then.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from obstore import delete, list_with_delimiter

from ingestion.settings import Settings, SettingsError
from orchestration.history import day_export
from orchestration.warehouse.attach import open_s3
from orchestration.warehouse.engine_protocol import Query
from orchestration.warehouse.engines import engine_of


def export_day(settings: Settings, day: date, stamp: int) -> dict[str, day_export.Facts]:
    """Write, read back and compare a closed day's tables, then let its manifest name them.

    Raises:
        HistoryError: what was read back is not what the tables say.
        SettingsError: TWIST_TERADATA_HISTORY is not set, or Teradata refuses.
    """
    if not settings.teradata_history:
        raise SettingsError(
            "TWIST_TERADATA_HISTORY is empty: set it to the history lake as Teradata names it, "
            "such as /s3/bucket.s3.amazonaws.com/history (dbt_project/TERADATA.md)"
        )
    import duckdb

    attempt = f"{stamp}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    conn = duckdb.connect()
    if settings.history_is_s3:
        open_s3(conn, settings)
    found: dict[str, day_export.Facts] = {}
    files: dict[str, list[str]] = {}
    engine = engine_of(settings)
    with engine.reader() as query:
        for table, column in day_export.TABLES.items():
            published = engine.relation("marts", table)
            names = query(f"select * from {published} where 1 = 0").columns
            rows = (
                f"select {', '.join(name for name in names if name != 'load_id')} "
                f"from {published} where {day_export.of_day(column, day)}"
            )
            files[table] = _write(query, settings, rows, f"{_folder(table, day)}/{attempt}")
            found[table] = day_export.facts(conn, day_export.content(settings, files[table]))
            _compare(query, rows, table, day, found[table])
    conn.close()
    day_export.write_manifest(settings, day, stamp, found, files)
    _remove_others(settings, day, {file for named in files.values() for file in named})
    return found


def _write(query: Query, settings: Settings, rows: str, folder: str) -> list[str]:
    """Write a query's rows into a folder of the history lake; the files, from its root."""
    root = f"{settings.teradata_history}/"
    written = query(
        f"select objectname from write_nos (on ({rows}) using location('{root}{folder}/') "
        f"authorization({settings.db_prefix}_landing.history_access) storedas('PARQUET') "
        "compression('SNAPPY')) as written"
    ).rows
    return sorted(str(name)[len(root) :] for (name,) in written)


def _compare(query: Query, rows: str, table: str, day: date, found: day_export.Facts) -> None:
    sums = "".join(
        f", sum(cast({name} as decimal(38, {_decimals(found.columns[name])}))) as {name}"
        for name in found.sums
    )
    (answer,) = query(
        f"select cast(count(*) as bigint) as row_count{sums} from ({rows}) as of_day"
    ).rows
    totals: Sequence[Any] = answer[1:]
    wanted = day_export.Facts(
        int(answer[0]),
        found.checksum,
        dict(zip(found.sums, map(day_export.plain, totals), strict=True)),
        found.columns,
    )
    day_export.compare(table, day, wanted, found)


def _decimals(kind: str) -> int:
    """Of DECIMAL(18,6): 6."""
    return int(kind.rstrip(")").partition(",")[2] or 0)


def _folder(table: str, day: date) -> str:
    return f"{table}/{day_export.day_folder(table)}={day}"


def _remove_others(settings: Settings, day: date, current: set[str]) -> None:
    store = day_export.store(settings)
    for table in day_export.TABLES:
        for attempt in list_with_delimiter(store, _folder(table, day))["common_prefixes"]:
            for old in list_with_delimiter(store, attempt)["objects"]:
                if old["path"] not in current:
                    delete(store, old["path"])
