"""Closed days as a daily-partitioned asset, and the sensor that exports those that are due."""

from datetime import date
from typing import Any

import dagster as dg

from ingestion.settings import SettingsError
from orchestration.defs.lakehouse import Lakehouse
from orchestration.history.export import days_to_export, export_day
from orchestration.history.manifests import TABLES
from orchestration.monitoring.heartbeat import beating

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01")
"""Older days have no partition; `make export` exports those too."""
DAYS_AT_ONCE = 5


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


@dg.sensor(
    job=export_closed_day,
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Exports days that have closed, and closed days that a replay has changed.",
)
def days_that_closed(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> Any:
    """Request the days whose current state is not in the history lake."""
    try:
        due = days_to_export(lakehouse.settings())
    except SettingsError as error:
        return dg.SkipReason(str(error))
    known = set(DAYS.get_partition_keys(dynamic_partitions_store=context.instance))
    requests = [
        dg.RunRequest(run_key=f"{day}/{stamp}", partition_key=str(day))
        for day, stamp in due.items()
        if str(day) in known
    ]
    return requests[:DAYS_AT_ONCE] or dg.SkipReason("every closed day is in the history lake")
