"""`make maintain`: fewer and smaller files; and what is no longer needed goes."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestion.settings import Settings
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import ALIAS, attach_warehouse, require_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEEP_MINUTES = 60
"""A snapshot stays this long after the next one came: so long may a reader take over a question."""
LARGE_BYTES = 64_000_000
"""A file of this size is not merged again: the cost follows what is new, not the day's past."""
GRACE_SECONDS = 10
"""It stays this long even when nothing is to be kept: some reader has just begun on it."""


def maintain(
    settings: Settings, say: Callable[[str], None], keep_minutes: int = KEEP_MINUTES
) -> None:
    """Compact the warehouse, expire old snapshots and delete the files nobody refers to.

    Safe beside readers, whose snapshot stays for `keep_minutes`. It takes the writer lock: the
    files of an unfinished commit would look like orphans.
    """
    import duckdb

    require_warehouse(settings)
    writer_lock.take(settings.warehouse_root)
    conn = duckdb.connect()
    attach_warehouse(conn, settings)
    kept = max(60 * keep_minutes, GRACE_SECONDS)
    started = datetime.now(UTC)
    cutoff = started - timedelta(seconds=kept)
    say(f"{_expire(conn, cutoff):,} snapshots expired")
    say(f"{_clean_up(conn, cutoff, expired_from=started):,} old files deleted")
    for what, call in (
        ("inlined rows written out", f"ducklake_flush_inlined_data('{ALIAS}')"),
        ("files rewritten without their deleted rows", f"ducklake_rewrite_data_files('{ALIAS}')"),
        (
            "small files merged",
            f"ducklake_merge_adjacent_files('{ALIAS}', max_file_size => {LARGE_BYTES})",
        ),
        (
            "orphaned files deleted",
            f"ducklake_delete_orphaned_files('{ALIAS}', older_than => now())",
        ),
    ):
        say(f"{len(conn.execute(f'call {call}').fetchall()):,} {what}")
    conn.close()
    replaced = settings.warehouse_root.with_name(settings.warehouse_root.name + ".replaced")
    if replaced.exists():
        shutil.rmtree(replaced)
        say(f"removed {replaced}, which a rebuild had replaced")


# A SQLite catalog keeps its times as text, and DuckLake compares them as text: to `older_than`
# every moment of a day is the same. So the two functions below choose by themselves.


def _expire(conn: "DuckDBPyConnection", cutoff: datetime) -> int:
    """Expire the snapshots that another one had followed by then; the newest stays."""
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
    """Delete what nobody reads: out of use by `cutoff`, or known to expired snapshots only."""
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
