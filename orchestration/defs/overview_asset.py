"""The overview page as an asset: live mode publishes it every minute, a schedule every five."""

import time
from contextlib import closing, nullcontext
from datetime import timedelta
from typing import Any

import dagster as dg

from ingestion.settings import Settings, is_s3
from orchestration.defs.lakehouse import Lakehouse, unless
from orchestration.monitoring.heartbeat import beating
from orchestration.pages.overview.parts import PARTS
from orchestration.pages.overview.publish import publish, sql_views_exist
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.write_queue import turn

PAGE = dg.AssetKey(["overview", "page"])
FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(minutes=20), warn_window=timedelta(minutes=11)
)


def published(settings: Settings, dbt: Dbt) -> dg.MaterializeResult[Any]:
    """Publish, and report where. The caller holds the writer lock, or the SQL views exist."""
    began = time.process_time()
    address = publish(settings, lambda: dbt)
    shown = address if is_s3(address) else f"file://{address}"
    metadata: dict[str, Any] = {
        "page": dg.MetadataValue.url(shown),
        "cpu seconds": time.process_time() - began,
    }
    return dg.MaterializeResult(asset_key=PAGE, metadata=metadata)


@dg.asset(
    key=PAGE,
    group_name="overview",
    deps=[dg.AssetKey(["overview", f"overview_{part}"]) for part in PARTS],
    owners=["team:merchandising-analytics"],
    kinds={"html", "json"},
    freshness_policy=FRESH,
    description="The state of the shop on one page: TWIST now, lost demand, missing sizes, "
    "freshness and checks. The same figures are in overview.json, with its schema.",
)
def overview_page(
    context: dg.AssetExecutionContext, lakehouse: Lakehouse
) -> dg.MaterializeResult[Any]:
    """Publish the page to TWIST_OVERVIEW."""
    settings = lakehouse.settings()
    needs_no_lock = sql_views_exist(settings)
    lock = nullcontext() if needs_no_lock else turn(settings.warehouse_root, say=context.log.info)
    with beating(context), lock, closing(lakehouse.dbt()) as dbt:
        return published(settings, dbt)


twist_overview = dg.define_asset_job(
    "twist_overview",
    selection=dg.AssetSelection.assets(overview_page),
    description="The overview page, from the current warehouse.",
)


@dg.schedule(
    job=twist_overview,
    cron_schedule="2-59/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def every_5_minutes_page(
    context: dg.ScheduleEvaluationContext, lakehouse: Lakehouse
) -> dg.RunRequest | dg.SkipReason:
    """Every five minutes where there is a warehouse; live mode publishes by itself."""
    return unless(context, lakehouse.settings(), "twist_live", "twist_overview")
