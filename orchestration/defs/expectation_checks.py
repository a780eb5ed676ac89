"""The suites of `expectations/` as asset checks; Great Expectations loads when one runs."""

from collections.abc import Collection, Iterator
from typing import Any

import dagster as dg

from expectations.runner import Expectation, Outcome, Suite, read_suites
from expectations.runner import validate as validate_frame
from ingestion.settings import Settings
from orchestration.defs.lakehouse import Lakehouse, unless
from orchestration.monitoring.heartbeat import beating
from orchestration.monitoring.run_checks import newest_slice, record_outcomes
from orchestration.monitoring.runbook import with_entry
from orchestration.warehouse.run_results import markdown

SUITES = read_suites()


def check_spec(suite: Suite, line: Expectation) -> dg.AssetCheckSpec:
    """An expectation as a check of its suite's table."""
    return dg.AssetCheckSpec(
        line.name,
        asset=dg.AssetKey(suite.asset.split("/")),
        description=with_entry(line.why, line.name, "an-expectation"),
        blocking=line.severity == "critical",
        metadata={"suite": f"expectations/suites/{suite.name}.yaml", "type": line.type},
    )


SPECS = {
    check_spec(suite, line).key: check_spec(suite, line)
    for suite in SUITES
    for line in suite.expectations
}


def check_result(spec: dg.AssetCheckSpec, outcome: Outcome) -> dg.AssetCheckResult:
    """An outcome as a check result, with the rows that failed and why they matter."""
    metadata: dict[str, Any] = {"rows": outcome.rows, "observed": outcome.observed}
    if outcome.unexpected is not None:
        metadata["unexpected"] = outcome.unexpected
        metadata["unexpected percent"] = float(outcome.unexpected_percent or 0)
    if outcome.failed_rows:
        table = markdown(outcome.failed_columns, outcome.failed_rows)
        metadata["failed rows"] = dg.MetadataValue.md(table)
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN,
        description=None if outcome.passed else f"{spec.description} Found: {outcome.found}.",
        metadata=metadata,
    )


def validated(
    settings: Settings, selected: Collection[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """Validate the newest slices of the suites that hold a selected check.

    Raises:
        SuiteError: an expectation could not be computed.
    """
    for suite in SUITES:
        key = dg.AssetKey(suite.asset.split("/"))
        wanted = {check.name for check in selected if check.asset_key == key}
        if not wanted:
            continue
        frame = newest_slice(settings, suite)
        outcomes = validate_frame(suite, frame, wanted)
        record_outcomes(settings, suite, outcomes)
        for name, outcome in outcomes.items():
            yield check_result(SPECS[dg.AssetCheckKey(key, name)], outcome)


@dg.multi_asset_check(specs=list(SPECS.values()), can_subset=True)
def expectations(
    context: dg.AssetCheckExecutionContext, lakehouse: Lakehouse
) -> Iterator[dg.AssetCheckResult]:
    """Great Expectations on the newest slice of each table."""
    with beating(context):
        yield from validated(lakehouse.settings(), context.selected_asset_check_keys)


twist_expectations = dg.define_asset_job(
    "twist_expectations",
    selection=dg.AssetSelection.checks(expectations),
    description="Great Expectations at the boundaries: raw in, facts out.",
)


@dg.schedule(
    job=twist_expectations,
    cron_schedule="10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def hourly_expectations(
    context: dg.ScheduleEvaluationContext, lakehouse: Lakehouse
) -> dg.RunRequest | dg.SkipReason:
    """Every hour where there is a warehouse; live mode validates every ten minutes."""
    return unless(context, lakehouse.settings(), "twist_live")
