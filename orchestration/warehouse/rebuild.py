"""`make rebuild`: reads the landing lake again into a new warehouse, then swaps it in.

Also recomputes a range of days from staging, in place.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta

import pyarrow as pa

from ingestion.lake import landed_objects
from ingestion.settings import Settings, SettingsError
from orchestration.failures import failure
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import (
    WarehouseDamaged,
    has_warehouse,
    refuse_lost_catalog,
    require_ducklake,
)
from orchestration.warehouse.dbt_runner import Dbt, in_environment
from orchestration.warehouse.decisions import decisions
from orchestration.warehouse.engines import engine_of, open_reader
from orchestration.warehouse.holdings import less, refuse_less
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.swap import rebuilding, remove_killed, swap


def rebuild(
    settings: Settings, say: Callable[[str], None], *, may_shrink: bool = False
) -> LoadReport:
    """Build a new warehouse from the landing lake, with the current settings, and swap it in.

    Replays, acceptances and erasures are kept. The old warehouse serves readers until the swap and
    is kept beside the new one for `keep_replaced_days`. A kill before the swap changes nothing.

    Raises:
        WouldShrink: the new one would hold less than the old one, and may not.
    """
    require_ducklake(settings)
    landed_objects.open_store(settings)
    target = settings.warehouse_root
    writer_lock.take(target)
    kept = decisions(settings, say)
    remove_killed(target)
    fresh = rebuilding(target)
    new = settings.model_copy(update={"warehouse": str(fresh)})
    dbt = Dbt(new)
    writer_lock.take(fresh)
    shutil.copystat(target, fresh)  # and the ACL of readers
    try:
        report = _fill(new, dbt, kept, say)
        if not may_shrink:
            _refuse_less(settings, dbt, say)
        dbt.close()
        old = swap(target)
    except Exception:
        dbt.close()
        writer_lock.release(fresh)
        remove_killed(target)
        raise
    finally:
        writer_lock.release(fresh)
        writer_lock.release(target)
    say(f"the old warehouse is kept in {old} for {settings.keep_replaced_days} days")
    return report


def _fill(
    new: Settings, dbt: Dbt, kept: dict[str, pa.Table], say: Callable[[str], None]
) -> LoadReport:
    engine_of(new).prepare(dbt)
    _accept_again(dbt, kept)
    with in_environment({"TWIST_SWEEP": "all"}):  # not from the hour of an accepted object on
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
    return report if report.objects else computed


def _refuse_less(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> None:
    import duckdb

    why = "its catalog is gone or empty"
    try:
        refuse_lost_catalog(settings)
        if not has_warehouse(settings):
            return
        why = ""
        reader = open_reader(settings)
        with closing(reader):
            found = less(lambda sql: reader.execute(sql).fetchall(), dbt.query)
    except (duckdb.Error, WarehouseDamaged) as error:
        say(
            "it cannot be checked whether the new warehouse holds less than the old one "
            f"({why or failure(error).sentence}): compare it with numbers that you know, and until "
            "then keep the replaced folder: move it away, or raise TWIST_KEEP_REPLACED_DAYS (now "
            f"{settings.keep_replaced_days})"
        )
    else:
        refuse_less(found)


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
    # The audit has counted these lines.
    conn.execute(
        "update twist.audit.watermarks set load_id = "
        "(select max(load_id) + 1 from twist.audit.watermarks) where model_name = 'landed_objects'"
    )
    conn.execute("commit")
    return load(settings, dbt, say)


DAY_COLUMNS = {
    "staging.stg_clickstream__events": "event_date",
    "staging.stg_availability__stock_changes": "event_date",
    "marts.fct_twist": "view_date",
    "marts.fct_twist_hourly": "view_hour",
    "marts.fct_pickup_hourly": "view_hour",
}
"""The tables that downstream models read by load_id, and the column that holds their day."""


def _accept_again(dbt: Dbt, kept: dict[str, pa.Table]) -> None:
    for table in ("landed_objects", "accepted_offsets", "erasures"):
        if accepted := kept.get(table):
            connection = dbt.connection()
            connection.register("accepted", accepted)
            connection.execute(f"insert into twist.audit.{table} by name select * from accepted")
