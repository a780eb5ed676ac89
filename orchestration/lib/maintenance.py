"""`make maintain`: fewer and smaller files; and what is no longer needed goes."""

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from ingestion import writer_lock
from ingestion.settings import Settings
from ingestion.warehouse import ALIAS, attach_warehouse, require_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEEP_MINUTES = 60
"""Snapshots younger than this stay, so that a reader may take that long over a question."""


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
    cutoff = f"now() - interval {int(keep_minutes)} minute"
    for what, call in (
        ("inlined rows written out", f"ducklake_flush_inlined_data('{ALIAS}')"),
        ("files rewritten without their deleted rows", f"ducklake_rewrite_data_files('{ALIAS}')"),
        ("small files merged", f"ducklake_merge_adjacent_files('{ALIAS}')"),
    ):
        say(f"{len(conn.execute(f'call {call}').fetchall()):,} {what}")
    say(f"{_expire(conn, cutoff):,} snapshots expired")
    say(f"{_clean_up(conn, cutoff):,} old files deleted")
    orphans = f"call ducklake_delete_orphaned_files('{ALIAS}', older_than => {cutoff})"
    say(f"{len(conn.execute(orphans).fetchall()):,} orphaned files deleted")
    conn.close()
    replaced = settings.warehouse_root.with_name(settings.warehouse_root.name + ".replaced")
    if replaced.exists():
        shutil.rmtree(replaced)
        say(f"removed {replaced}, which a rebuild had replaced")


# A SQLite catalog keeps its times as text, and DuckLake compares them as text: to `older_than`
# every moment of a day is the same. So the two functions below choose by themselves.


def _expire(conn: "DuckDBPyConnection", cutoff: str) -> int:
    old = conn.execute(
        f"select snapshot_id from ducklake_snapshots('{ALIAS}') where snapshot_time < {cutoff} "
        f"and snapshot_id < (select max(snapshot_id) from ducklake_snapshots('{ALIAS}'))"
    ).fetchall()
    if old:
        versions = ", ".join(str(snapshot) for (snapshot,) in old)
        conn.execute(f"call ducklake_expire_snapshots('{ALIAS}', versions => [{versions}])")
    return len(old)


def _clean_up(conn: "DuckDBPyConnection", cutoff: str) -> int:
    conn.execute(
        f"update __ducklake_metadata_{ALIAS}.ducklake_files_scheduled_for_deletion "
        "set schedule_start = '2000-01-01 00:00:00+00' "
        f"where cast(schedule_start as timestamptz) < {cutoff}"
    )
    return len(
        conn.execute(
            f"call ducklake_cleanup_old_files('{ALIAS}', "
            "older_than => timestamptz '2000-01-02 00:00:00+00')"
        ).fetchall()
    )
