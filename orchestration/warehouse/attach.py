"""The local warehouse: a DuckLake (SQLite catalog, Parquet files) attached as `twist`."""

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.extensions import load_extensions, quoted
from ingestion.s3 import let_duckdb_in
from ingestion.settings import DAMAGED, Settings, SettingsError, TwistError
from orchestration.failures import RUNBOOK
from orchestration.warehouse import loaded_by
from orchestration.warehouse.private import create_private

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALIAS = "twist"
CATALOG = f"__ducklake_metadata_{ALIAS}"
"""The catalog with DuckLake's own tables, once the warehouse is attached."""
LAYOUT = "7"
"""The version of the warehouse's tables, as in dbt_project.yml."""
ON_TERADATA = "dbt_project/docs/teradata.md, section 3"
"""The documentation of what to do there instead."""
COPY_SECONDS = 10.0
"""For so long a reader without write permission tries to copy the catalog between two commits."""
TICK_NS = 20_000_000
"""Longer than the steps in which a file system counts the time of a change."""


class WarehouseDamaged(TwistError):
    """Files of the warehouse are not there; the message says which, and the cure."""

    status = DAMAGED


def refuse_other_setting(settings: Settings, name: str, built_with: str) -> None:
    """Raise `SettingsError` where the warehouse was built with another value of a setting."""
    fix = "run `make rebuild`" if keeps_files(settings) else f"load from scratch ({ON_TERADATA})"
    if name == "layout":
        if built_with != LAYOUT:
            raise SettingsError(f"the warehouse was built by another version of TWIST: {fix}")
        return
    wanted = str(getattr(settings, name))
    if wanted != built_with:
        raise SettingsError(
            f"the warehouse was built with {name} = {built_with}, the setting is now {wanted}: "
            f"{fix} to apply it, or set TWIST_{name.upper()} back"
        )


def keeps_files(settings: Settings) -> bool:
    """Whether the warehouse is a DuckLake: files that are compacted, swapped and restored."""
    return settings.target in ("embedded", "s3")


def require_ducklake(settings: Settings) -> None:
    """Raise `SettingsError` for a command that needs a DuckLake, on a target without one."""
    if not keeps_files(settings):
        raise SettingsError(
            f"this command works on the targets embedded and s3, and TWIST_TARGET is "
            f"{settings.target}: for the Teradata equivalent see {ON_TERADATA}"
        )


def catalog_of(settings: Settings) -> Path:
    """The SQLite file that knows the warehouse's tables, and which Parquet files they are."""
    return settings.warehouse_root / "catalog.sqlite"


def has_warehouse(settings: Settings) -> bool:
    """Whether there is a warehouse to query; Teradata itself reports it when queried."""
    return not keeps_files(settings) or catalog_of(settings).exists()


def refuse_lost_catalog(settings: Settings) -> None:
    """Raise `WarehouseDamaged` where the catalog is gone, or empty, and its data are still there.

    A new catalog beside them would be a new warehouse, without replays and acceptances.
    """
    catalog = catalog_of(settings)
    if catalog.exists() and catalog.stat().st_size:
        return
    data = catalog.with_name("data")
    # In S3 another warehouse's data may be beside ours: the note of the last load tells.
    loaded_to_s3 = settings.warehouse_data and catalog.with_name(loaded_by.FILE).exists()
    if any(data.rglob("*.parquet")) or loaded_to_s3:
        state = "empty" if catalog.exists() else "gone"
        place = settings.warehouse_data or data
        raise WarehouseDamaged(
            f"the catalog {catalog} is {state}, and the data in {place} are still there: put it "
            "back from a backup; or run `make rebuild`, which reads the landing lake again; "
            f"nothing was changed ({RUNBOOK}#a-damaged-warehouse)"
        )


def require_warehouse(settings: Settings) -> None:
    """Raise where there is no DuckLake (yet), or only its data: only a load creates one."""
    require_ducklake(settings)
    refuse_lost_catalog(settings)
    if not has_warehouse(settings):
        raise SettingsError(
            f"there is no warehouse in {settings.warehouse_root}: run `make load` (or `make demo`) "
            "first, or set TWIST_WAREHOUSE"
        )


def has_tables(settings: Settings) -> bool:
    """Whether the warehouse has been created, according to its catalog (0.1 s).

    By DuckDB's own SQLite. With Python's there would be two in one process, and the one that closes
    the file drops the other's locks on it: the loader then crashed with a bus error.
    """
    import duckdb

    refuse_lost_catalog(settings)
    catalog = catalog_of(settings)
    if not catalog.exists():
        return False
    with duckdb.connect() as conn:
        load_extensions(conn, "sqlite")
        conn.execute(f"attach {quoted(str(catalog))} as catalog (type sqlite, read_only)")
        has_lake = conn.execute(
            "select 1 from duckdb_tables() "
            "where database_name = 'catalog' and table_name = 'ducklake_table'"
        ).fetchone()
        return bool(has_lake and conn.execute(settings_table_in("catalog")).fetchone())


def settings_table_in(catalog: str) -> str:
    """The query of a DuckLake's catalog that returns a row once the warehouse was created."""
    return (
        f"select 1 from {catalog}.ducklake_table "
        "where table_name = 'settings' and end_snapshot is null"
    )


def attach_warehouse(
    conn: "DuckDBPyConnection", settings: Settings, *, read_only: bool = False
) -> None:
    """Attach the warehouse of the settings; a writer creates it where there is none.

    Its files are looked up in the place that the settings name, not where they were written: a
    warehouse folder can be moved.
    """
    load_extensions(conn, "sqlite", "ducklake")
    # Else each table of the catalog is read on its own connection, outside of the transaction: a
    # query during a commit would see half of it. Global, as DuckLake queries on another session.
    conn.execute("set global sqlite_disable_multithreaded_scans = true")
    refuse_lost_catalog(settings)
    catalog, temporary = catalog_of(settings), settings.warehouse_root / "tmp"
    if not read_only:
        create_private(settings.warehouse_root)
        conn.execute("set global preserve_insertion_order = false")  # no table has an order
    elif not all(os.access(path, os.W_OK) for path in (catalog, catalog.parent)):
        catalog = copied(catalog)
        temporary = catalog.parent
        weakref.finalize(conn, shutil.rmtree, temporary, ignore_errors=True)
    let_duckdb_in(conn, settings, settings.warehouse_data)
    is_new = not read_only and not catalog.exists()
    options = {
        "data_path": quoted(data_path(settings)),
        "override_data_path": "true",
        "meta_busy_timeout": "10000",
    } | ({"read_only": "true"} if read_only else {"meta_journal_mode": "'WAL'"})
    conn.execute(
        f"attach if not exists {quoted(f'ducklake:sqlite:{catalog}')} as {ALIAS} "
        f"({', '.join(f'{name} {value}' for name, value in options.items())})"
    )
    if is_new:  # texts are smaller and a tenth faster to write
        conn.execute(f"call {ALIAS}.set_option('parquet_version', 2)")
    conn.execute(f"set memory_limit = '{settings.memory_limit}'")
    conn.execute(f"set temp_directory = {quoted(str(temporary))}")
    conn.execute("set TimeZone = 'UTC'")


def copied(catalog: Path) -> Path:
    """A copy of the catalog for a reader who may not write: SQLite itself writes beside the file.

    The copy is one moment: it is made again while a commit changes the file or its log.

    Raises:
        SettingsError: there was no moment without a commit.
        PermissionError: the catalog may not be read.
    """
    folder = Path(tempfile.mkdtemp(prefix="twist-catalog-"))
    parts = [catalog, catalog.with_name(f"{catalog.name}-wal")]
    deadline = time.monotonic() + COPY_SECONDS
    try:
        while time.monotonic() < deadline:
            before = [_changed(part) for part in parts]
            for part, changed in zip(parts, before, strict=True):
                copy = folder / part.name
                copy.unlink(missing_ok=True)
                if changed:
                    shutil.copyfile(part, copy)
            moved = max(changed[0] for changed in before if changed)
            settled = time.time_ns() - moved > TICK_NS
            if settled and before == [_changed(part) for part in parts]:
                return folder / catalog.name
            time.sleep(0.02)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    raise SettingsError(
        f"you may read {catalog} but not write beside it, and it changed for {COPY_SECONDS:.0f} s "
        "without a pause: try again"
    )


def _changed(path: Path) -> tuple[int, int, int] | None:
    """When a file changed, its size and number; None where it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def data_path(settings: Settings) -> str:
    """Where the Parquet files are: in its folder, or in TWIST_WAREHOUSE_DATA."""
    return f"{settings.warehouse_data.rstrip('/') or f'{settings.warehouse_root}/data'}/"


def give_statistics_to_empty_tables(query: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Avoid DuckLake's search for statistics at every mention of a table that never held a row.

    That takes 25-100 ms each time, more than most models. A row that is written and deleted
    in one transaction, so that no reader sees it, leaves statistics behind.
    """
    without = query(
        f"""
        select schema_name, table_name, column_name
        from {CATALOG}.ducklake_table
        join {CATALOG}.ducklake_schema using (schema_id)
        join {CATALOG}.ducklake_column using (table_id)
        where ducklake_table.end_snapshot is null and ducklake_column.end_snapshot is null
            and column_order = 1
            and table_id not in (select table_id from {CATALOG}.ducklake_table_stats)
        """
    )
    if without:
        rows = (
            f"insert into {ALIAS}.{schema}.{table} ({column}) values (null); "
            f"delete from {ALIAS}.{schema}.{table} where {column} is null; "
            for schema, table, column in without
        )
        query(f"begin; {''.join(rows)} commit")
