"""`make load`: everything that was listed when it started, in bounded batches, then the models."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingestion import lake, writer_lock
from ingestion.settings import Settings
from orchestration.lib import warehouse
from orchestration.lib.dbt import Dbt

STAGE = ("--select", "tag:load", "--exclude", "load_listing", "load_objects")
COMPUTE = ("--select", "path:models/intermediate", "path:models/marts")
COMPUTE_EVERY_LINES = 12_000_000
"""A backlog is computed in portions of about a large retailer's day."""


@dataclass(frozen=True)
class LoadReport:
    """What a load did: sums over the objects it audited."""

    objects: int
    lines: int
    loaded: int
    duplicates: int
    late: int
    quarantined: int
    newest_event: datetime | None
    seconds: float
    unreadable: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        newest = f"{self.newest_event:%Y-%m-%d %H:%M:%S}Z" if self.newest_event else "none"
        return (
            f"{self.objects:,} objects, {self.lines:,} lines: {self.loaded:,} loaded, "
            f"{self.duplicates:,} duplicates, {self.late:,} late, {self.quarantined:,} quarantined; "
            f"newest event {newest}; {self.seconds:.1f} s"
        )


def load(
    settings: Settings, dbt: Dbt, say: Callable[[str], None], *, compute: bool = True
) -> LoadReport:
    """Load what is new in the landing lake and bring every table up to date.

    Raises:
        SettingsError: the landing lake cannot be listed, or a setting was changed.
        WarehouseLocked: another process is writing.
        DbtFailed: a model failed; the next load repairs what this one left.
    """
    started = time.monotonic()
    lake.open_store(settings)
    writer_lock.take(settings.warehouse_root)
    warehouse.prepare(settings, dbt)
    first_stamp = _newest_stamp(dbt)
    staged_lines = _uncomputed_lines(dbt)
    dbt.run("run", "--select", "load_listing")
    while True:
        dbt.run("run", "--select", "load_objects")
        objects, megabytes = dbt.query(
            "select count(*), coalesce(sum(object_size), 0) / 1e6 from memory.load.load_objects"
        )[0]
        if not objects:
            break
        if megabytes > 1:
            say(f"reading {objects:,} objects ({megabytes:,.0f} MB) …")
        dbt.run("run", *STAGE)
        staged_lines += dbt.query(
            "select coalesce(sum(line_count), 0) from memory.load.load_objects"
        )[0][0]
        if compute and staged_lines >= COMPUTE_EVERY_LINES:
            say(f"computing {staged_lines:,} lines …")
            dbt.run("run", *COMPUTE)
            staged_lines = 0
    if compute and _is_behind(dbt):
        if staged_lines > 100_000:
            say(f"computing {staged_lines:,} lines …")
        dbt.run("run", *COMPUTE)
    return _report(dbt, first_stamp, time.monotonic() - started)


def _newest_stamp(dbt: Dbt) -> int:
    stamp: int = dbt.query("select coalesce(max(load_id), 0) from twist.audit.watermarks")[0][0]
    return stamp


def _uncomputed_lines(dbt: Dbt) -> int:
    return 0


def _is_behind(dbt: Dbt) -> bool:
    """Whether some staged rows have not reached the last table yet (also after a kill)."""
    return bool(
        dbt.query(
            """
            with stamps as (select model_name, load_id from twist.audit.watermarks)
            select
                coalesce((select max(load_id) from stamps where model_name like 'stg%'), 0)
                > coalesce((select min(load_id) from stamps where model_name = 'twist_daily'), -1)
            """
        )[0][0]
    )


def _report(dbt: Dbt, first_stamp: int, seconds: float) -> LoadReport:
    counts = dbt.query(
        f"""
        select count(*), coalesce(sum(lines), 0), coalesce(sum(loaded), 0),
            coalesce(sum(duplicates), 0), coalesce(sum(late), 0), coalesce(sum(quarantined), 0)
        from twist.audit.landed_objects where load_id > {first_stamp} and status = 'loaded'
        """
    )[0]
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
    return LoadReport(
        *counts, newest_event=newest, seconds=seconds, unreadable=tuple(unreadable)
    )
