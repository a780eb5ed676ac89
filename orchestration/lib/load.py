"""`make load`: everything that was listed when it started, in bounded batches, then the models."""

import time
from collections.abc import Callable

from ingestion import lake, writer_lock
from ingestion.settings import Settings
from orchestration.lib import teradata, warehouse
from orchestration.lib.dbt import Dbt
from orchestration.lib.report import LoadReport

LIST = ("--select", "load_listing", "load_objects")
READ = ("--select", "load_objects")
STAGE = ("--select", "tag:load", "--exclude", "load_listing", "load_objects")
COMPUTE = ("--select", "path:models/intermediate", "path:models/marts")
STAGE_AND_COMPUTE = ("--select", "tag:load", *COMPUTE[1:], *STAGE[2:])
EVERYTHING = ("--select", "tag:load", *COMPUTE[1:])
STAGED = ("stg_clickstream__events", "stg_availability__stock_changes", "stg_catalog__skus")
COMPUTE_EVERY_LINES = 12_000_000
"""A backlog is computed in portions of about a large retailer's day."""


def load(
    settings: Settings, dbt: Dbt, say: Callable[[str], None], *, compute: bool = True
) -> LoadReport:
    """Load what is new in the landing lake and bring every table up to date.

    Raises:
        SettingsError: the landing lake cannot be listed, or a setting was changed.
        WarehouseLocked: another process is writing.
        DbtFailed: a model failed; the next load repairs what this one left.
    """
    if settings.target == "teradata":
        return teradata.load(settings, dbt, say)
    started = time.monotonic()
    lake.open_store(settings)
    writer_lock.take(settings.warehouse_root)
    warehouse.prepare(settings, dbt)
    first_stamp = _newest_stamp(dbt)
    uncomputed, behind, replays = 0, _is_behind(dbt), _replay_is_requested(dbt)
    new, new_megabytes, unreadable = _pending(dbt)
    if not (new or unreadable or behind or replays):
        return _report(dbt, first_stamp, time.monotonic() - started)
    # What fits into one batch takes one dbt run; a backlog is listed first, then cut into batches.
    is_done = compute and new > 0 and new_megabytes < settings.batch_mb
    if is_done and new_megabytes > 1:
        say(f"loading {new:,} objects ({new_megabytes:,.0f} MB) …")
    dbt.run("run", *(EVERYTHING if is_done else LIST))
    while True:
        objects, lines, megabytes = dbt.query(
            "select count(*), coalesce(sum(line_count), 0), coalesce(sum(object_size), 0) / 1e6 "
            "from memory.load.load_objects"
        )[0]
        is_last = megabytes < settings.batch_mb
        if objects and megabytes > 1 and not is_done:
            say(f"loading {objects:,} objects, {lines:,} lines ({megabytes:,.0f} MB) …")
        uncomputed += lines
        behind = behind or lines > 0 or replays
        computes = compute and behind and (is_last or uncomputed >= COMPUTE_EVERY_LINES)
        if is_done:
            computes = True
        elif objects or replays:
            dbt.run("run", *(STAGE_AND_COMPUTE if computes else STAGE))
        elif computes:
            dbt.run("run", *COMPUTE)
        if computes:
            uncomputed, behind = 0, False
        is_done = replays = False
        if is_last:
            break
        dbt.run("run", *READ)
    return _report(dbt, first_stamp, time.monotonic() - started)


def _pending(dbt: Dbt) -> tuple[int, float, int]:
    """The landed objects that are new, their megabytes, and how many are known as unreadable.

    It asks what the model load_listing would: an idle load costs one query, and no dbt run.
    """
    new, megabytes = dbt.query(
        f"""
        with listing as (
        {dbt.compiled("load_listing")}
        ),
        known as (
            select object_key, etag from twist.audit.landed_objects where status <> 'superseded'
        )
        select count(*), coalesce(sum(object_size), 0) / 1e6
        from listing anti join known using (object_key, etag)
        """
    )[0]
    unreadable = dbt.query(
        "select count(*) from twist.audit.landed_objects where status = 'unreadable'"
    )[0][0]
    return new, megabytes, unreadable


def _newest_stamp(dbt: Dbt) -> int:
    stamp: int = dbt.query("select coalesce(max(load_id), 0) from twist.audit.watermarks")[0][0]
    return stamp


def _replay_is_requested(dbt: Dbt) -> bool:
    return bool(
        dbt.query(
            "select count(*) from twist.audit.late_events where replay_requested_at is not null"
        )[0][0]
    )


def _is_behind(dbt: Dbt) -> bool:
    """Whether the last table is not there, or has not seen some staged rows, as after a kill."""
    reached = dbt.query(
        "select max(load_id) from twist.audit.watermarks where model_name = 'twist_daily'"
    )[0][0]
    return reached is None or any(
        dbt.query(f"select 1 from twist.staging.{model} where load_id > {reached} limit 1")
        for model in STAGED
    )


def _report(dbt: Dbt, first_stamp: int, seconds: float) -> LoadReport:
    counts = dbt.query(
        f"""
        select count(*), coalesce(sum(lines), 0), coalesce(sum(loaded), 0),
            coalesce(sum(duplicates), 0), coalesce(sum(late), 0), coalesce(sum(quarantined), 0)
        from twist.audit.landed_objects where load_id > {first_stamp} and status = 'loaded'
        """
    )[0]
    letters = dbt.query(
        f"select count(*) from twist.audit.dead_letters where load_id > {first_stamp}"
    )[0][0]
    newest = dbt.query(
        f"""
        select max(newest) from (
            select max(event_ts) as newest from twist.staging.stg_clickstream__events
            where load_id > {first_stamp}
            union all
            select max(event_ts) from twist.staging.stg_availability__stock_changes
            where load_id > {first_stamp}
        )
        """
    )[0][0]
    unreadable = dbt.query(
        "select object_key, coalesce(read_error, '') from twist.audit.landed_objects "
        "where status = 'unreadable' order by object_key"
    )
    return LoadReport(*(*counts, letters, newest, seconds, tuple(unreadable)))
