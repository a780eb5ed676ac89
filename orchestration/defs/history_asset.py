"""Closed days as a daily-partitioned asset, and the sensor that exports those that are due."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from ingestion.settings import Settings, SettingsError
from orchestration.defs.dagster_results import as_evaluation
from orchestration.defs.lakehouse import Lakehouse
from orchestration.history.export import days_to_export, export_day
from orchestration.history.manifests import TABLES
from orchestration.monitoring.check_results import Check, Status, record
from orchestration.monitoring.heartbeat import beating, in_progress
from orchestration.monitoring.runbook import with_entry

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01")
"""Older days have no partition; `make export` exports those too."""
DAYS_AT_ONCE = 5
PATIENCE = timedelta(days=1)
"""A closed day that is due for longer is red: its export fails, or nobody runs it."""
NAMED = 3
"""Days in one sentence."""


@dg.asset(
    key=["history", "closed_days"],
    group_name="history",
    partitions_def=DAYS,
    deps=[dg.AssetKey(["marts", table]) for table in TABLES],
    owners=["team:data-platform"],
    kinds={"parquet"},
    pool="history",
    description="The published tables of a closed day as Parquet, with a manifest of rows, sums, "
    "checksums and schema; verified by reading it back. `make restore DAY=…` restores a day.",
)
def closed_days(
    context: dg.AssetExecutionContext, lakehouse: Lakehouse
) -> dg.MaterializeResult[Any]:
    """Export the partition's day."""
    with beating(context):
        found = export_day(lakehouse.settings(), date.fromisoformat(context.partition_key))
    metadata: dict[str, Any] = {"dagster/partition_row_count": found["fct_twist"].rows}
    for table, its in found.items():
        metadata[f"{table} rows"] = its.rows
        metadata[f"{table} checksum"] = its.checksum
    return dg.MaterializeResult(metadata=metadata)


export_closed_day = dg.define_asset_job(
    "twist_export",
    selection=dg.AssetSelection.assets(closed_days),
    description="One closed day into the history lake.",
)


CHECK = dg.AssetCheckSpec(
    "closed_days_are_exported",
    asset=closed_days.key,
    description=with_entry(
        "Every closed day is in the history lake within a day. On failure, names the others",
        "closed_days_are_exported",
    ),
)


@dg.multi_asset_check(specs=[CHECK])
def history_is_complete(lakehouse: Lakehouse) -> dg.AssetCheckResult:
    """The check when run by hand, which does not know since when a day is due."""
    return _judge(lakehouse.settings(), days_to_export(lakehouse.settings()), None)


@dg.sensor(
    job=export_closed_day,
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Exports days that have closed, and closed days that a replay has changed: each "
    "once a day until it is in the history lake.",
)
def days_that_closed(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> Any:
    """Request the days whose current state is not in the history lake, oldest first.

    Dagster drops a run key that it has used. So a key has the date: a day that failed is requested
    again on the next one, and those that were not requested on this one have their turn before.
    """
    settings, now = lakehouse.settings(), datetime.now(UTC)
    try:
        due = days_to_export(settings)
    except SettingsError as error:
        return dg.SkipReason(str(error))
    before = json.loads(context.cursor or "{}")
    since = {str(day): before.get("since", {}).get(str(day), now.isoformat()) for day in due}
    asked = {key for key in before.get("asked", ()) if key.endswith(f"/{now.date()}")}
    known = set(DAYS.get_partition_keys(dynamic_partitions_store=context.instance))
    known -= {
        run.dagster_run.tags.get("dagster/partition", "")
        for run in in_progress(context.instance, export_closed_day.name)
    }
    keys = {f"{day}/{stamp}/{now.date()}": str(day) for day, stamp in due.items()}
    turn = [key for key, day in keys.items() if day in known and key not in asked][:DAYS_AT_ONCE]
    overdue = [day for day in due if now - datetime.fromisoformat(since[str(day)]) > PATIENCE]
    result = _judge(settings, due, overdue)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, partition_key=keys[key]) for key in turn],
        skip_reason=None if turn else dg.SkipReason(result.description),
        asset_events=[as_evaluation(result)],
        cursor=json.dumps({"since": since, "asked": sorted(asked | set(turn))}),
    )


def _judge(
    settings: Settings, due: Iterable[date], overdue: Iterable[date] | None
) -> dg.AssetCheckResult:
    """Red where a day has been due for more than a day, amber where that is not known (None)."""
    days, late = list(due), list(overdue or ())
    named = ", ".join(map(str, (late or days)[:NAMED]))
    more = f" and {len(late or days) - NAMED:,} more" if len(late or days) > NAMED else ""
    sentence = "every closed day is in the history lake"
    status: Status = "passed"
    if late:
        status = "failed"
        sentence = (
            f"closed for more than a day and not in the history lake as they are now: {named}"
            f"{more}; see the runs of twist_export, or run `make export`, which names what fails"
        )
    elif days:
        status = "passed" if overdue is not None else "warned"
        sentence = f"not in the history lake yet: {named}{more}"
    record(settings, [Check("history", CHECK.name, status, sentence, "history/closed_days")])
    return dg.AssetCheckResult(
        asset_key=CHECK.asset_key,
        check_name=CHECK.name,
        passed=status == "passed",
        severity=dg.AssetCheckSeverity.ERROR if late else dg.AssetCheckSeverity.WARN,
        description=sentence,
    )
