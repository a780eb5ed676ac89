"""`make rebuild`: reads the landing lake again into a new warehouse, then swaps it in.

Also recomputes a range of days from staging, in place.
"""

import shutil
from collections.abc import Callable
from datetime import date, timedelta

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
    _accept_again(dbt, kept["accepted"])
    report = load(new, dbt, say, compute=False)
    if kept["replayed"]:
        dbt.connection().executemany(
            "update twist.audit.late_events set replay_requested_at = current_timestamp::timestamp "
            "where topic = ? and kafka_partition = ? and kafka_offset = ? and arrived_at = ?",
            kept["replayed"],
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


def _decisions(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """User decisions on the old warehouse: replays by position, acceptances by object."""
    if not (settings.warehouse_root / "catalog.sqlite").exists():
        return {"replayed": [], "accepted": []}
    reader = open_reader(settings)
    try:
        return {
            "replayed": reader.execute(
                "select topic, kafka_partition, kafka_offset, arrived_at from audit.late_events "
                "where replayed_at is not null or replay_requested_at is not null"
            ).fetchall(),
            "accepted": reader.execute(
                "select * from audit.landed_objects where status = 'accepted'"
            ).fetchall(),
        }
    finally:
        reader.close()


def _accept_again(dbt: Dbt, accepted: list[tuple[object, ...]]) -> None:
    if accepted:
        marks = ", ".join("?" * len(accepted[0]))
        dbt.connection().executemany(
            f"insert into twist.audit.landed_objects values ({marks})", accepted
        )
