"""`make rebuild`: reads the landing lake again into a new warehouse, then swaps it in.

Also recomputes a range of days from staging, in place.
"""

import shutil
from collections.abc import Callable
from datetime import date, timedelta

import pyarrow as pa

from ingestion.lake import landed_objects
from ingestion.settings import Settings, SettingsError
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import require_ducklake
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of, open_reader
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport


def rebuild(settings: Settings, say: Callable[[str], None]) -> LoadReport:
    """Build a new warehouse from the landing lake, with the current settings, and swap it in.

    Replays and acceptances are kept. The old warehouse serves readers until the swap and is kept
    beside the new one as `<warehouse>.replaced` until `make maintain`. A kill before the swap
    changes nothing.
    """
    require_ducklake(settings)
    landed_objects.open_store(settings)
    target = settings.warehouse_root
    writer_lock.take(target)
    kept = _decisions(settings)
    fresh = writer_lock.rebuilding(target)
    replaced = target.with_name(target.name + ".replaced")
    shutil.rmtree(fresh, ignore_errors=True)
    new = settings.model_copy(update={"warehouse": str(fresh)})
    dbt = Dbt(new)
    writer_lock.take(fresh)
    engine_of(new).prepare(dbt)
    _accept_again(dbt, kept)
    report = load(new, dbt, say, compute=False)
    if replayed := kept.get("late_events"):
        dbt.connection().register("replayed", replayed)
        dbt.connection().execute(
            "update twist.audit.late_events as late "
            "set replay_requested_at = current_timestamp::timestamp from replayed "
            "where late.topic = replayed.topic "
            "and late.kafka_partition = replayed.kafka_partition "
            "and late.kafka_offset = replayed.kafka_offset "
            "and late.arrived_at = replayed.arrived_at"
        )
    computed = load(new, dbt, say)
    dbt.close()
    shutil.rmtree(replaced, ignore_errors=True)
    target.rename(replaced)
    writer_lock.settle(target)
    writer_lock.release(fresh)
    writer_lock.release(target)
    return report if report.objects else computed


def recompute(
    settings: Settings, dbt: Dbt, first: date, last: date, say: Callable[[str], None]
) -> LoadReport:
    """Recompute the days from `first` to `last` from staging, in place, with one load.

    Events, views and hours of those days get a new load_id as if they had just arrived, so every
    model picks them up; rows that do not change are not rewritten. After a kill the next load
    continues.
    """
    if last < first:
        raise SettingsError(f"{first} to {last} is not a range: the first day is after the last")
    require_ducklake(settings)
    load(settings, dbt, say)  # every table exists, and nothing is half done
    day_after = last + timedelta(days=1)
    conn = dbt.connection()
    conn.execute("begin")
    for table, column in DAY_COLUMNS.items():
        conn.execute(
            f"update twist.{table} set load_id = "
            "(select max(load_id) + 1 from twist.audit.watermarks) "
            f"where {column} >= ? and {column} < ?",
            [first, day_after],
        )
    conn.execute("commit")
    return load(settings, dbt, say)


DAY_COLUMNS = {
    "staging.stg_clickstream__events": "event_date",
    "staging.stg_availability__stock_changes": "event_date",
    "marts.fct_twist": "view_date",
    "marts.fct_twist_hourly": "view_hour",
}
"""The tables that downstream models read by load_id, and the column that holds their day."""


def _decisions(settings: Settings) -> dict[str, pa.Table]:
    """User decisions on the old warehouse: replays by position, and accepted rows by table."""
    if not (settings.warehouse_root / "catalog.sqlite").exists():
        return {}
    reader = open_reader(settings)
    try:
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
    finally:
        reader.close()


_DECISIONS = {
    "late_events": (
        "topic, kafka_partition, kafka_offset, arrived_at",
        "replayed_at is not null or replay_requested_at is not null",
    ),
    "landed_objects": ("*", "status = 'accepted'"),
    "accepted_offsets": ("*", "true"),
}
"""The columns of a table and the rows that hold decisions."""


def _accept_again(dbt: Dbt, kept: dict[str, pa.Table]) -> None:
    for table in ("landed_objects", "accepted_offsets"):
        if accepted := kept.get(table):
            connection = dbt.connection()
            connection.register("accepted", accepted)
            connection.execute(f"insert into twist.audit.{table} by name select * from accepted")
