"""The other ways to run: every five minutes, a rebuild, a replay of late events, maintenance."""

from datetime import date

import dagster as dg

from orchestration.defs.dbt_models import warehouse
from orchestration.defs.lakehouse import WRITERS, Lakehouse, unless
from orchestration.monitoring.heartbeat import in_progress
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.maintain import KEEP_MINUTES, maintain
from orchestration.warehouse.rebuild import rebuild, recompute
from orchestration.warehouse.replay_late import replay_late

twist_load = dg.define_asset_job(
    "twist_load",
    selection=dg.AssetSelection.assets(warehouse).without_checks()
    | dg.AssetSelection.checks(warehouse),
    description="One load: what is new in the landing lake, every table, every dbt test.",
)


@dg.schedule(job=twist_load, cron_schedule="*/5 * * * *", execution_timezone="UTC")
def every_5_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Load every five minutes, unless live mode does or the previous load is not finished."""
    if in_progress(context.instance, "twist_live"):
        return dg.SkipReason("twist_live is running: it loads what lands")
    if in_progress(context.instance, "twist_load"):
        return dg.SkipReason("the previous load is not finished")
    return dg.RunRequest()


class DayRange(dg.Config):
    """The days to recompute, such as 2026-11-01 to 2026-11-03; without days, everything."""

    first_day: str | None = None
    last_day: str | None = None
    shrink: bool = False
    """Of everything: swap the new warehouse in even if it holds less than the old one."""


@dg.op(pool=WRITERS, out=dg.Out(dg.Nothing))
def rebuild_days(context: dg.OpExecutionContext, config: DayRange, lakehouse: Lakehouse) -> None:
    """Recompute a range of days from staging; or read the whole landing lake again."""
    with lakehouse.writing(context) as (dbt, _):
        if config.first_day is None and config.last_day is None:
            report = rebuild(dbt.settings, context.log.info, may_shrink=config.shrink)
        else:
            first = config.first_day or config.last_day or ""
            last = config.last_day or first
            days = date.fromisoformat(first), date.fromisoformat(last)
            report = recompute(dbt.settings, dbt, *days, context.log.info)
        context.log.info(str(report))


@dg.op(pool=WRITERS, out=dg.Out(dg.Nothing))
def replay(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
    """Load each event that was set aside as late, once."""
    with lakehouse.writing(context) as (dbt, _):
        replayed, report = replay_late(dbt.settings, dbt, context.log.info)
        context.log.info(f"{replayed:,} late events replayed; {report}")


class Keep(dg.Config):
    """How long old snapshots stay readable."""

    minutes: int = KEEP_MINUTES


@dg.op(pool=WRITERS, out=dg.Out(dg.Nothing))
def compact(context: dg.OpExecutionContext, config: Keep, lakehouse: Lakehouse) -> None:
    """Compact files, expire snapshots, clean up."""
    with lakehouse.writing(context) as (dbt, _):
        maintain(dbt.settings, context.log.info, config.minutes)


@dg.job(description="Recompute a range of days, or everything, in one run.")
def twist_rebuild() -> None:
    """One op: see its config for the days."""
    rebuild_days()


@dg.job(description="Load the events set aside as late; changed closed days are exported again.")
def twist_replay_late() -> None:
    """One op."""
    replay()


@dg.job(description="Compact files, expire snapshots older than an hour. Safe beside readers.")
def twist_maintain() -> None:
    """One op."""
    compact()


@dg.schedule(
    job=twist_maintain,
    cron_schedule="30 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def hourly_maintenance(
    context: dg.ScheduleEvaluationContext, lakehouse: Lakehouse
) -> dg.RunRequest | dg.SkipReason:
    """Maintain every hour where there is a warehouse; live mode does it between its cycles."""
    settings = lakehouse.settings()
    if not keeps_files(settings):
        return dg.SkipReason(f"the target {settings.target} keeps no files of ours")
    return unless(context, settings, "twist_live")
