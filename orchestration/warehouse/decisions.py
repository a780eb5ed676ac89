"""What people decided about a warehouse, which a rebuild takes along.

Replays, acceptances, and whom to forget.
"""

from collections.abc import Callable
from contextlib import closing

import pyarrow as pa

from ingestion.extensions import quoted
from ingestion.s3 import let_duckdb_in
from ingestion.settings import Settings
from orchestration.failures import failure
from orchestration.warehouse.attach import (
    WarehouseDamaged,
    data_path,
    has_warehouse,
    refuse_lost_catalog,
)
from orchestration.warehouse.engines import open_reader

_DECISIONS = {
    "late_events": (
        "topic, kafka_partition, kafka_offset, arrived_at",
        "replayed_at is not null or replay_requested_at is not null",
    ),
    "landed_objects": ("*", "status = 'accepted'"),
    "accepted_offsets": ("*", "topic is not null"),
    "erasures": ("*", "visitor_hash is not null"),
}
"""The columns of a table and the rows that hold decisions: lists of deleted rows have no keys."""
_NEWEST = {
    "erasures": "qualify row_number() over (partition by visitor_hash "
    "order by asked_at desc, done_at desc nulls last, filename desc) = 1"
}
"""Rows that change after the decision: the newest version of each. Files are named by time."""
_NOT_OURS = ("_ducklake", "file_path", "filename", "pos")
"""Columns of DuckLake's own in the files of a table, and the file's name."""
WORDS = {
    "late_events": "replayed events",
    "landed_objects": "accepted objects",
    "accepted_offsets": "accepted ranges of offsets",
    "erasures": "erasures",
}


def decisions(settings: Settings, say: Callable[[str], None]) -> dict[str, pa.Table]:
    """The rows that hold decisions, by table of the audit: replays by position, acceptances.

    Where the catalog cannot be read, what the Parquet files hold of them; `say` what that may lack.
    """
    import duckdb

    try:
        refuse_lost_catalog(settings)
        return _from_catalog(settings) if has_warehouse(settings) else {}
    except (duckdb.Error, WarehouseDamaged) as error:
        why = failure(error).sentence
    found = _from_files(settings)
    counts = ", ".join(f"{len(found.get(table, ()))} {WORDS[table]}" for table in _DECISIONS)
    say(
        f"the old warehouse cannot be read: {why}. Taken along from its files: {counts}. What only "
        "its catalog held (up to ten rows at a time, since the last `make maintain`) is lost: run "
        "`make replay-late` and `make accept` again for what the load reports, and `make forget` "
        "for who was erased since then"
    )
    return found


def _from_catalog(settings: Settings) -> dict[str, pa.Table]:
    with closing(open_reader(settings)) as reader:
        # A warehouse of an earlier layout lacks some tables.
        names = {
            name for (name,) in reader.execute("select table_name from duckdb_tables()").fetchall()
        }
        return {
            table: reader.execute(
                f"select {columns} from audit.{table} where {condition}"
            ).to_arrow_table()
            for table, (columns, condition) in _DECISIONS.items()
            if table in names
        }


def _from_files(settings: Settings) -> dict[str, pa.Table]:
    """From all versions of a table's rows: a decision, once made, is in each later one."""
    import duckdb

    found = {}
    with closing(duckdb.connect()) as conn:
        let_duckdb_in(conn, settings, settings.warehouse_data)
        for table, (columns, condition) in _DECISIONS.items():
            files = quoted(f"{data_path(settings)}audit/{table}/**/*.parquet")
            try:
                rows = conn.execute(
                    f"select {columns} from read_parquet({files}, union_by_name = true, "
                    f"filename = true) where {condition} {_NEWEST.get(table, '')}"
                ).to_arrow_table()
            except duckdb.Error:  # none, or they are damaged too: the count says so
                continue
            names = [name for name in rows.column_names if not name.startswith(_NOT_OURS)]
            found[table] = rows.select(names).group_by(names).aggregate([])
    return found
