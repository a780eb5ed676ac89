"""What Dagster loads (attribute `defs`): this file only assembles the parts of `defs/`."""

import dagster as dg

from orchestration.defs import jobs
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.erasure_jobs import nightly_retention, twist_forget, twist_forget_old
from orchestration.defs.expectation_checks import (
    expectations,
    hourly_expectations,
    twist_expectations,
)
from orchestration.defs.freshness_checks import data_freshness, freshness_of_data
from orchestration.defs.history_asset import (
    closed_days,
    days_that_closed,
    export_closed_day,
    history_is_complete,
)
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.live_job import live_mode, twist_live
from orchestration.defs.observed_loads import loads_elsewhere
from orchestration.defs.overview_asset import every_5_minutes_page, overview_page, twist_overview
from orchestration.defs.run_sensors import alerts, silent_runs
from orchestration.defs.topic_assets import topic_specs

defs = dg.Definitions(
    assets=[*topic_specs(), warehouse, closed_days, overview_page],
    asset_checks=[data_freshness, expectations, history_is_complete],
    jobs=[
        jobs.twist_load,
        twist_live,
        jobs.twist_rebuild,
        jobs.twist_replay_late,
        jobs.twist_maintain,
        twist_forget,
        twist_forget_old,
        export_closed_day,
        twist_expectations,
        twist_overview,
    ],
    schedules=[
        jobs.every_5_minutes,
        jobs.hourly_maintenance,
        nightly_retention,
        hourly_expectations,
        every_5_minutes_page,
    ],
    sensors=[live_mode, loads_elsewhere, silent_runs, freshness_of_data, days_that_closed, alerts],
    resources={"lakehouse": Lakehouse()},
    executor=dg.in_process_executor,
)
