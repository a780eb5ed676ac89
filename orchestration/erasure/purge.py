"""Makes DuckLake let go of what was erased: rows that its files, snapshots and catalog still hold.

An UPDATE leaves the old rows in their files, and their least and greatest values in the catalog;
`make maintain` rewrites neither files of few deleted rows nor the catalog's free pages.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.settings import Settings, SettingsError
from orchestration import progress
from orchestration.warehouse import maintain
from orchestration.warehouse.apart import apart
from orchestration.warehouse.attach import ALIAS, CATALOG, attach_warehouse, catalog_of
from orchestration.warehouse.swap import remove_killed, remove_replaced

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STATISTICS = f"""
    update {CATALOG}.ducklake_table_column_stats as of_table
    set min_value = found.least, max_value = found.most
    from (
        select table_id, column_id, min(min_value) as least, max(max_value) as most
        from {CATALOG}.ducklake_column
        left join (
            select table_id, column_id, value_count, min_value, max_value
            from {CATALOG}.ducklake_file_column_stats
            join {CATALOG}.ducklake_data_file using (data_file_id, table_id)
            where end_snapshot is null
        ) as of_file using (table_id, column_id)
        where column_type = 'varchar' and ducklake_column.end_snapshot is null
        group by table_id, column_id
        having count(case when min_value is null and value_count > 0 then 1 end) = 0
    ) as found
    where of_table.table_id = found.table_id and of_table.column_id = found.column_id
"""
"""DuckLake 1.5.5 forgets the least and greatest values of a file that a table lost wholly only if
it rewrites another file of that table."""
VACUUM = Path(__file__).with_name("vacuum.py")
PATIENCE_SECONDS = 60.0
"""How long a reader's open transaction may hold up the catalog's VACUUM."""


def purge(settings: Settings, say: Callable[[str], None], keep_minutes: float) -> None:
    """Delete every file and page that an erased row may still be in.

    What a reader's transaction sees stays for `keep_minutes` from now, at least for the grace of
    `make maintain`. The caller holds the writer lock, and no connection of its own is open.

    Raises:
        SettingsError: a reader holds the catalog.
    """
    wait = max(60 * keep_minutes, maintain.GRACE_SECONDS)
    apart(purge_now, settings, say, wait)
    vacuum(settings)


def purge_now(settings: Settings, say: Callable[[str], None], wait: float) -> None:
    """The part of `purge` that DuckLake does, in this process; it waits so long for readers."""
    import duckdb

    folder = settings.warehouse_root
    for path in remove_replaced(folder, 0):
        say(f"removed {path}, which a rebuild had replaced")
    remove_killed(folder)
    with duckdb.connect() as conn:
        _rewrite(conn, settings)
        say(f"waiting {wait:,.0f} s for readers of the rows as they were …") if wait > 1 else None
        progress.wait(wait)
        everything = datetime.now(UTC)
        maintain.expire(conn, everything)
        conn.execute(f"call ducklake_cleanup_old_files('{ALIAS}', cleanup_all => true)").fetchall()
        conn.execute(
            f"call ducklake_delete_orphaned_files('{ALIAS}', older_than => now())"
        ).fetchall()
        conn.execute(STATISTICS)
    for scratch in folder.glob(f"{maintain.SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)
    for spilled in (folder / "tmp").glob("*"):
        spilled.unlink(missing_ok=True)


def purge_in_time(settings: Settings, say: Callable[[str], None]) -> None:
    """The same without haste: what a reader may see stays for an hour, and then until maintenance.

    What the catalog's pages hold of it leaves with the next call.
    """
    apart(rewrite_and_maintain, settings, say)
    vacuum(settings)


def rewrite_and_maintain(settings: Settings, say: Callable[[str], None]) -> None:
    """The part of `purge_in_time` that DuckLake does, in this process."""
    import duckdb

    with duckdb.connect() as conn:
        _rewrite(conn, settings)
        conn.execute(STATISTICS)
    maintain.maintain(settings, say)


def _rewrite(conn: "DuckDBPyConnection", settings: Settings) -> None:
    attach_warehouse(conn, settings)
    conn.execute(f"call ducklake_flush_inlined_data('{ALIAS}')").fetchall()
    conn.execute(f"call ducklake_rewrite_data_files('{ALIAS}', delete_threshold => 0)").fetchall()


def vacuum(settings: Settings) -> None:
    """Write the catalog anew, without free pages, and empty its log: in another process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        arguments = [sys.executable, "-I", str(VACUUM), str(catalog_of(settings))]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return
        time.sleep(0.2)
    raise SettingsError(
        f"a reader has had {catalog_of(settings)} open for {PATIENCE_SECONDS:.0f} s, so what was "
        f"erased is still in its log ({(done.stderr.strip().splitlines() or ['busy'])[-1]}): end "
        "it, and run this again"
    )
