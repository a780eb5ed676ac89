"""`make maintain`: compacts files and deletes what is no longer needed."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestion.settings import Settings
from orchestration.left_overs import remove_all_left_overs
from orchestration.progress import progress
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import ALIAS, attach_warehouse, require_warehouse
from orchestration.warehouse.swap import remove_killed, remove_replaced, replaced_ones

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEEP_MINUTES = 60
"""A snapshot is kept this long after the next one: the longest that a reader's query may take."""
LARGE_BYTES = 64_000_000
"""A file of this size is not merged again: the cost depends on new data, not on the day's size."""
SCRATCH, A_DAY_SECONDS = ".export-", 86_400
"""What an export writes into first, and after how long it is a killed one's."""
GRACE_SECONDS = 10
"""It is kept at least this long: a reader may just have begun to use it."""


def maintain(
    settings: Settings, say: Callable[[str], None], keep_minutes: int = KEEP_MINUTES
) -> None:
    """Compact the warehouse, expire old snapshots and delete unreferenced files.

    Safe beside readers, whose snapshot is kept for `keep_minutes`. It takes the writer lock: the
    files of an unfinished commit would look like orphans.
    """
    import duckdb

    require_warehouse(settings)
    writer_lock.take(settings.warehouse_root)
    conn = duckdb.connect()
    attach_warehouse(conn, settings)
    kept = max(60 * keep_minutes, GRACE_SECONDS)
    folder = settings.warehouse_root
    # In a bucket, a replaced warehouse's files lie beside this one's, and look like orphans.
    orphans = [
        (
            "orphaned files deleted",
            f"ducklake_delete_orphaned_files('{ALIAS}', older_than => now())",
        )
    ]
    if settings.warehouse_data and replaced_ones(folder):
        orphans = []
    started = datetime.now(UTC)
    cutoff = started - timedelta(seconds=kept)
    say(f"{expire(conn, cutoff):,} snapshots expired")
    say(f"{_clean_up(conn, cutoff, expired_from=started):,} old files deleted")
    for what, call in (
        ("inlined rows written out", f"ducklake_flush_inlined_data('{ALIAS}')"),
        ("files rewritten without their deleted rows", f"ducklake_rewrite_data_files('{ALIAS}')"),
        (
            "small files merged",
            f"ducklake_merge_adjacent_files('{ALIAS}', max_file_size => {LARGE_BYTES})",
        ),
        *orphans,
    ):
        progress()
        say(f"{len(conn.execute(f'call {call}').fetchall()):,} {what}")
    conn.close()
    for path in remove_replaced(folder, settings.keep_replaced_days):
        say(f"removed {path}, which a rebuild had replaced")
    if remove_killed(folder):
        say("removed what a killed rebuild had left")
    if left := remove_all_left_overs(settings):
        say(f"removed {left:,} files that killed writes had left in history lake and overview")
    for scratch in folder.glob(f"{SCRATCH}*"):
        if time.time() - scratch.stat().st_mtime > A_DAY_SECONDS:
            shutil.rmtree(scratch, ignore_errors=True)
            say(f"removed {scratch}, which a killed export had left")


# A SQLite catalog stores times as text, and DuckLake compares them as text: to `older_than` all
# times of a day are equal. So the two functions below select snapshots and files themselves.


def expire(conn: "DuckDBPyConnection", cutoff: datetime) -> int:
    """Expire the snapshots that had a successor by `cutoff`; the newest stays."""
    old = conn.execute(
        f"select snapshot_id from ducklake_snapshots('{ALIAS}') "
        "qualify lead(snapshot_time) over (order by snapshot_id) < ?",
        [cutoff],
    ).fetchall()
    if old:
        versions = ", ".join(str(snapshot) for (snapshot,) in old)
        conn.execute(f"call ducklake_expire_snapshots('{ALIAS}', versions => [{versions}])")
    return len(old)


def _clean_up(conn: "DuckDBPyConnection", cutoff: datetime, expired_from: datetime) -> int:
    """Delete unused files: out of use by `cutoff`, or referenced by expired snapshots only."""
    conn.execute(
        f"update __ducklake_metadata_{ALIAS}.ducklake_files_scheduled_for_deletion "
        "set schedule_start = '2000-01-01 00:00:00+00' "
        "where cast(schedule_start as timestamptz) < ? "
        "or cast(schedule_start as timestamptz) >= ?",
        [cutoff, expired_from],
    )
    return len(
        conn.execute(
            f"call ducklake_cleanup_old_files('{ALIAS}', "
            "older_than => timestamptz '2000-01-02 00:00:00+00')"
        ).fetchall()
    )
