"""Every check on the current warehouse, for `make overview CHECKS=1`."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from expectations.runner import Outcome, Suite, read_slice, read_suites, validate
from ingestion.settings import Settings
from orchestration.monitoring import check_results
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of
from orchestration.warehouse.run_results import Recorder, run_tests

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


def newest_slice(settings: Settings, suite: Suite) -> "pd.DataFrame":
    """The rows that a suite validates, read from the warehouse."""
    engine = engine_of(settings)
    with engine.reader() as query:
        return read_slice(query, suite, engine.relation(*suite.asset.split("/")))


def record_outcomes(settings: Settings, suite: Suite, outcomes: Mapping[str, Outcome]) -> None:
    """Store a suite's results; failures that do not alert in Dagster are warnings."""
    by_name = {line.name: line for line in suite.expectations}
    check_results.record(
        settings,
        (
            check_results.Check(
                "Great Expectations",
                name,
                "passed"
                if outcome.passed
                else "failed"
                if by_name[name].severity == "critical"
                else "warned",
                "" if outcome.passed else f"{by_name[name].why} Found: {outcome.found}.",
                suite.asset,
            )
            for name, outcome in outcomes.items()
        ),
    )


def run_checks(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> str:
    """Run dbt's tests and Great Expectations, store the results, and return their counts as text.

    Raises:
        DbtFailed, SuiteError: a check could not be run; that is not a failure of the data.
    """
    say("dbt's tests …")
    recorder = Recorder()
    dbt.on_result = recorder
    run_tests(dbt, recorder)
    say("Great Expectations …")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for suite in read_suites():
        record_outcomes(settings, suite, validate(suite, newest_slice(settings, suite)))
    found = Counter(check.status for check in check_results.recorded(settings))
    return "checks: " + ", ".join(f"{found[status]} {status}" for status in check_results.ORDER)
