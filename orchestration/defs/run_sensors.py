"""Sensors that watch runs: silent ones are failed, and what turns red is posted once."""

import json

import dagster as dg

from orchestration.defs.lakehouse import Lakehouse
from orchestration.monitoring.alert_messages import changes, post
from orchestration.monitoring.heartbeat import fail_silent_runs
from orchestration.monitoring.incidents import incidents


@dg.sensor(
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails runs without a heartbeat, so that queued runs can start.",
)
def silent_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail silent runs."""
    failed = fail_silent_runs(context.instance)
    return dg.SkipReason("; ".join(failed) or "every run in progress has a heartbeat")


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts what turns red, and what recovers, to TWIST_ALERT_WEBHOOK.",
)
def alerts(
    context: dg.SensorEvaluationContext, lakehouse: Lakehouse
) -> dg.SensorResult | dg.SkipReason:
    """Compare what is red with what was red at the last evaluation."""
    settings = lakehouse.settings()
    if not settings.alert_webhook.get_secret_value():
        return dg.SkipReason("TWIST_ALERT_WEBHOOK is not set: no alert is sent")
    repository = context.repository_def
    assert repository
    graph = repository.asset_graph
    before: dict[str, str] = json.loads(context.cursor or "{}")
    now = incidents(
        context.instance,
        [job.name for job in repository.get_all_jobs()],
        graph.get_all_asset_keys(),
        graph.asset_check_keys,
        before,
    )
    found = changes(before, now)
    if found.begun or found.over:
        post(settings, found)
    return dg.SensorResult(
        skip_reason=f"{len(now)} incidents, {len(found.begun)} new, {len(found.over)} over",
        cursor=json.dumps(now),
    )
