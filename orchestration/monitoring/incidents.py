"""What is red in Dagster now: failed runs, failed checks, stale assets."""

import time
from collections.abc import Iterable

import dagster as dg
from dagster import AssetCheckSeverity
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Status,
)

STEADY_SECONDS = 120.0
"""A live run that has run this long counts as the recovery of a failed one before it."""


def incidents(
    instance: dg.DagsterInstance,
    jobs: Iterable[str],
    assets: Iterable[dg.AssetKey],
    checks: Iterable[dg.AssetCheckKey],
    before: dict[str, str],
) -> dict[str, str]:
    """Everything that is red now: key → sentence."""
    return (
        {f"run of {job}": text for job in jobs if (text := _failure(instance, job))}
        | _failed_checks(instance, list(checks), before)
        | _stale_assets(instance, list(assets))
    )


def _failure(instance: dg.DagsterInstance, job: str) -> str | None:
    """Why the newest conclusive run of a job failed; None where it did not."""
    statuses = [
        dg.DagsterRunStatus.SUCCESS,
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.STARTED,
    ]
    for record in instance.get_run_records(dg.RunsFilter(job_name=job, statuses=statuses), limit=5):
        run = record.dagster_run
        if run.status == dg.DagsterRunStatus.STARTED:
            steady = time.time() - (record.start_time or time.time()) > STEADY_SECONDS
            if job == "twist_live" and steady:
                return None
            continue
        if run.status == dg.DagsterRunStatus.FAILURE:
            return f"failed; see the log of run {run.run_id[:8]} in Dagster"
        return None
    return None


def _failed_checks(
    instance: dg.DagsterInstance, checks: list[dg.AssetCheckKey], before: dict[str, str]
) -> dict[str, str]:
    """Checks whose newest evaluation is a failure of severity ERROR; amber ones do not alert."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    failed = {}
    for check, record in latest.items():
        key = f"check {check.asset_key.to_user_string()} {check.name}"
        if record.status == Status.PLANNED and key in before:
            failed[key] = before[key]  # a run is about to evaluate it again
        elif record.status == Status.FAILED and record.event and record.event.dagster_event:
            evaluation = record.event.dagster_event.asset_check_evaluation_data
            if evaluation.severity == AssetCheckSeverity.ERROR:
                failed[key] = evaluation.description or "failed; see the check for the rows"
    return failed


def _stale_assets(instance: dg.DagsterInstance, assets: list[dg.AssetKey]) -> dict[str, str]:
    return {
        f"asset {key.to_user_string()}": "stale: no recent load has brought it up to date"
        for key, record in instance.get_freshness_state_records(assets).items()
        if record.freshness_state == FreshnessState.FAIL
    }
