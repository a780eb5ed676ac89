"""`make maintain`: fewer and smaller files; and what is no longer needed goes."""

import shutil
from collections.abc import Callable

from ingestion import writer_lock
from ingestion.settings import Settings
from ingestion.warehouse import ALIAS, attach_warehouse

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

    writer_lock.take(settings.warehouse_root)
    conn = duckdb.connect()
    attach_warehouse(conn, settings)
    older = f"older_than => now() - interval {int(keep_minutes)} minute"
    for what, call in (
        ("inlined rows written out", f"ducklake_flush_inlined_data('{ALIAS}')"),
        ("files rewritten without their deleted rows", f"ducklake_rewrite_data_files('{ALIAS}')"),
        ("small files merged", f"ducklake_merge_adjacent_files('{ALIAS}')"),
        ("snapshots expired", f"ducklake_expire_snapshots('{ALIAS}', {older})"),
        ("old files deleted", f"ducklake_cleanup_old_files('{ALIAS}', {older})"),
        ("orphaned files deleted", f"ducklake_delete_orphaned_files('{ALIAS}', {older})"),
    ):
        say(f"{len(conn.execute(f'call {call}').fetchall()):,} {what}")
    conn.close()
    replaced = settings.warehouse_root.with_name(settings.warehouse_root.name + ".replaced")
    if replaced.exists():
        shutil.rmtree(replaced)
        say(f"removed {replaced}, which a rebuild had replaced")
