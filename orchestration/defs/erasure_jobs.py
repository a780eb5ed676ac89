"""Persons leave: on request, and by age every night."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.lakehouse import WRITERS, Lakehouse, unless
from orchestration.warehouse.forget import forget, forget_old, visitors_of


class Request(dg.Config):
    """Whom to forget. Dagster keeps this for ever, so it names a file of ids and never an id."""

    file: str
    """A file with one visitor_id a line, readable where the run works; delete it afterwards."""
    why: str
    keep_minutes: int = 0
    """For so long readers may go on reading what they see."""


@dg.op(pool=WRITERS, out=dg.Out(dg.Nothing))
def forget_visitors(context: dg.OpExecutionContext, config: Request, lakehouse: Lakehouse) -> None:
    """Erase visitors from every store, and search for them."""
    ids = visitors_of("", config.file)
    with lakehouse.writing(context) as (dbt, recorder):

        def say(what: str) -> None:
            recorder.progress()
            context.log.info(what)

        say(str(forget(dbt.settings, dbt, ids, config.why, say, config.keep_minutes)))


@dg.op(pool=WRITERS, out=dg.Out(dg.Nothing))
def forget_old_lines(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
    """Erase everybody from the lines that arrived more than TWIST_RAW_DAYS ago."""
    with lakehouse.writing(context) as (dbt, _):
        before = forget_old(dbt.settings, dbt, datetime.now(UTC), context.log.info)
        context.log.info(f"erased up to {before}" if before else "nothing is due")


@dg.job(description="Erase the visitors of a file from every store; what is counted stays.")
def twist_forget() -> None:
    """One op: see its config."""
    forget_visitors()


@dg.job(description="Erase everybody from lines older than TWIST_RAW_DAYS; what is counted stays.")
def twist_forget_old() -> None:
    """One op."""
    forget_old_lines()


@dg.schedule(
    job=twist_forget_old,
    cron_schedule="10 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly_retention(
    context: dg.ScheduleEvaluationContext, lakehouse: Lakehouse
) -> dg.RunRequest | dg.SkipReason:
    """Every night where there is a warehouse; it waits in the queue for the writer lock."""
    return unless(context, lakehouse.settings(), "twist_forget_old")
