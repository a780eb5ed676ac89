"""`twist_live`: a shift, an hour-long live run that loads what lands at once; and its sensor."""

import gc
import time
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from expectations.runner import warm_up as warm_up_expectations
from orchestration.defs.dagster_results import (
    UNIQUE_ID,
    as_evaluation,
    as_materialization,
    checked,
    materialized,
)
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.expectation_checks import SPECS as EXPECTATIONS
from orchestration.defs.expectation_checks import validated
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.overview_asset import published
from orchestration.defs.topic_assets import topic_events
from orchestration.monitoring.heartbeat import add_tags, beating, in_progress
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.live_loop import work
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.run_results import Recorder, run_tests

WARM = "twist/warm"
"""Tag of a live run that is ready to take over."""
SHIFT_SECONDS = 3600.0
REPORT_SECONDS = 300.0
CHECK_SECONDS = 600.0
"""All checks take seconds even on a small warehouse, so facts rarely wait for them."""
PUBLISH_SECONDS = 60.0
SUCCESSOR_POLL_SECONDS = 5.0


class LiveReporter:
    """Reports a shift to Dagster: what ran in each cycle, everything every 5 minutes."""

    def __init__(self, context: dg.OpExecutionContext, dbt: Dbt, recorder: Recorder) -> None:
        self._context, self._dbt, self._recorder = context, dbt, recorder
        self._began = self._polled_at = time.monotonic()
        # A shift checks at once: Dagster shows no earlier run's checks for the newest facts.
        self._reported = self._published = self._checked = float("-inf")
        self._due_checks: Iterator[Iterable[Any]] = iter(())
        self._is_over = False
        self._unreadable: tuple[tuple[str, str], ...] = ()

    def events(self, report: LoadReport | None) -> Iterator[Any]:
        """What there is to report after a cycle, or after a poll that found nothing."""
        self._recorder.progress()
        if report:
            yield from self._loaded(report)
        if time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked, self._due_checks = time.monotonic(), self._check()
        yield from next(self._due_checks, ())
        if time.monotonic() - self._published >= PUBLISH_SECONDS:
            yield from self._publish()
            self._published = time.monotonic()

    def _check(self) -> Iterator[Iterable[Any]]:
        """All checks, in parts that a cycle can wait for: dbt's tests, then suite by suite."""
        yield self._test()
        for asset in dict.fromkeys(check.asset_key for check in EXPECTATIONS):
            selected = [check for check in EXPECTATIONS if check.asset_key == asset]
            yield map(as_evaluation, validated(self._dbt.settings, selected))

    def _publish(self) -> Iterator[Any]:
        """The overview page; if it fails, loads go on and the last page stays."""
        try:
            yield as_materialization(published(self._dbt.settings, self._dbt))
        except Exception as error:
            self._context.log.warning(f"the overview was not published: {error}")

    def _loaded(self, report: LoadReport) -> Iterator[Any]:
        nodes = self._recorder.taken()
        everything = time.monotonic() - self._reported >= REPORT_SECONDS
        if report.topics or everything:
            self._context.log.info(str(report))
            specs = [
                spec
                for spec in warehouse.specs
                if everything or str(spec.metadata[UNIQUE_ID]) in nodes
            ]
            yield from topic_events(report.topics)
            yield from map(as_materialization, materialized(self._dbt, specs, nodes))
        if everything:
            self._reported = time.monotonic()
        if self._unreadable != report.unreadable:
            self._unreadable = report.unreadable
            yield from self._test("no_object_is_unreadable")

    def is_over(self) -> bool:
        """Whether the shift's hour is over and the next run is warm, or Dagster ended this run."""
        now = time.monotonic()
        if now - self._polled_at >= SUCCESSOR_POLL_SECONDS:
            self._polled_at = now
            self._is_over = self._is_given_up() or (
                now - self._began >= SHIFT_SECONDS and self._has_warm_successor()
            )
        return self._is_over

    def _test(self, *names: str) -> Iterator[Any]:
        tests = run_tests(self._dbt, self._recorder, names)
        yield from map(as_evaluation, checked(self._dbt, warehouse.check_specs, tests))

    def _is_given_up(self) -> bool:
        run = self._context.instance.get_run_by_id(self._context.run_id)
        return run is None or run.is_finished

    def _has_warm_successor(self) -> bool:
        runs = self._context.instance.get_runs(
            dg.RunsFilter(
                job_name="twist_live", statuses=[dg.DagsterRunStatus.STARTED], tags={WARM: "yes"}
            )
        )
        return any(run.run_id != self._context.run_id for run in runs)


@dg.op(out=dg.Out(dg.Nothing))
def shift(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> Iterator[Any]:
    """Warm up, take over from the run before, load what lands; end when the next one is warm."""
    recorder = Recorder()
    with beating(context) as beat:
        recorder.progress = beat
        dbt = lakehouse.dbt(recorder)
        dbt.warm_up()
        warm_up_expectations()
        gc.collect()
        gc.freeze()  # the parsed project stays: garbage collection can skip it
        add_tags(context, {WARM: "yes"})
        reporter = LiveReporter(context, dbt, recorder)
        for cycle in work(dbt.settings, dbt, reporter.is_over, context.log.info):
            yield from reporter.events(cycle)


@dg.job(
    description="Facts seconds after they land: a warm dbt that loads at once, for an hour. The "
    "sensor live_mode keeps one running and hands over to the next.",
    tags={"twist/live": "yes"},
    executor_def=dg.in_process_executor,
)
def twist_live() -> None:
    """One shift."""
    shift()


@dg.sensor(
    job=twist_live,
    minimum_interval_seconds=15,
    description="Live mode: on, it keeps a live run, and starts the next one when its hour ends.",
)
def live_mode(context: dg.SensorEvaluationContext) -> Any:
    """Start a live run if there is none, and the next one when the current one's hour ends."""
    shifts = in_progress(context.instance, "twist_live")
    if not shifts:
        return dg.RunRequest()
    began = shifts[0].start_time
    if len(shifts) == 1 and began and time.time() - began >= SHIFT_SECONDS:
        return dg.RunRequest()
    return dg.SkipReason(f"{len(shifts)} live run in progress")
