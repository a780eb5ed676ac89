"""Live mode: what lands is a fact seconds later, and Dagster is told of each cycle."""

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.lake import landed_objects
from ingestion.lake.landed_objects import EPOCH, LandedObject
from orchestration.definitions import defs
from orchestration.defs import live_job
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.expectation_checks import SPECS as EXPECTATIONS
from orchestration.defs.expectation_checks import SUITES
from orchestration.defs.live_job import WARM, LiveReporter
from orchestration.warehouse.live_loop import Watcher, work
from orchestration.warehouse.run_results import Recorder
from tests.harness.minute_lines import landed, view
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query
from tests.orchestration.conftest import AT, DAY, free, lakehouse

PATIENCE = 240.0
FACTS = "select count(*) from marts.fct_twist"


pytestmark = pytest.mark.long


class Visitor(threading.Thread):
    """Lands a view while a live run is at work, and measures when it is a fact."""

    def __init__(self, shop: Pipeline, instance: dg.DagsterInstance) -> None:
        super().__init__()
        self.shop, self.instance = shop, instance
        self.seconds: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        try:
            self._wait(lambda: any(r.tags.get(WARM) for r in self.instance.get_runs()))
            for count in (3, 4):
                self.shop.deliver(landed(DAY, view(AT + timedelta(minutes=count))))
                began = time.monotonic()
                self._wait(lambda wanted=count: query(self.shop.settings, FACTS) == [(wanted,)])
                self.seconds.append(time.monotonic() - began)
            found = self.instance.event_log_storage.get_latest_asset_check_execution_by_key
            self._wait(lambda: set(found(list(EXPECTATIONS))) == set(EXPECTATIONS))
        finally:
            self.over.set()

    def _wait(self, holds: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "live mode does not load"
            time.sleep(0.1)


def test_what_lands_is_loaded_at_once_and_each_cycle_is_reported(
    shop: Pipeline, warm: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = free(shop)
    visitor = Visitor(shop, instance)
    monkeypatch.setattr(LiveReporter, "is_over", lambda _: visitor.over.is_set())
    visitor.start()
    result = defs.resolve_job_def("twist_live").execute_in_process(
        instance=instance, resources={"lakehouse": lakehouse(settings)}, raise_on_error=False
    )
    visitor.join()
    assert result.success
    assert len(visitor.seconds) == 2
    rows = [
        event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["marts", "fct_twist"])
    ]
    assert rows[-2:] == [3, 4]
    topics = [
        event.materialization.metadata["objects"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["landing", "landing_clickstream"])
    ]
    assert topics == [1, 1], "each is loaded in a cycle of its own, before the next one lands"
    checks = {e.asset_check_key: e.passed for e in result.get_asset_check_evaluations()}
    assert set(checks) == {*warehouse.check_keys, *EXPECTATIONS}, "a shift checks at once"
    assert all(checks.values())
    assert (Path(settings.overview_root) / "overview.html").exists(), "it is published too"


def test_a_shift_checks_part_by_part_and_again_ten_minutes_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("orchestration.defs.live_job.time.monotonic", lambda: now)
    monkeypatch.setattr(LiveReporter, "_test", lambda _: ["dbt's tests"])
    monkeypatch.setattr(LiveReporter, "_publish", lambda _: [])
    monkeypatch.setattr(live_job, "validated", lambda _, selected: [selected])
    monkeypatch.setattr(live_job, "as_evaluation", list)
    nobody: Any = type("Nobody", (), {"settings": None})()
    reporter = LiveReporter(nobody, nobody, Recorder())
    first, *suites = [list(reporter.events(None)) for _ in range(1 + len(SUITES))]
    assert first == ["dbt's tests"]
    assert all(len(part) == 1 for part in suites), "one suite at a time"
    assert {check for part in suites for check in part[0]} == set(EXPECTATIONS)
    assert list(reporter.events(None)) == []
    now = live_job.CHECK_SECONDS
    assert list(reporter.events(None)) == ["dbt's tests"]


def test_a_watcher_sees_new_and_rewritten_objects_and_nothing_else(
    shop: Pipeline, tmp_path: Path
) -> None:
    watcher = Watcher(shop.settings)
    assert not watcher.look(), "the lake is empty"
    delivered = landed(DAY, view(AT))
    shop.deliver(delivered)
    assert [found.key for found in watcher.look()] == [delivered[0].key]
    assert not watcher.look()
    longer = delivered[0].body + landed(DAY, view(AT))[0].body
    path = shop.root / "landing" / delivered[0].key
    (tmp_path / "longer").write_bytes(longer)
    (tmp_path / "longer").replace(path)
    assert watcher.look(), "its content is another one"
    assert not watcher.look()
    shop.deliver(landed(DAY + timedelta(hours=1), view(AT)))
    assert watcher.look()
    shop.deliver(landed(DAY, view(AT)))
    assert not watcher.look(), "in an older folder: a whole load's"


def test_a_watcher_that_cannot_list_a_topic_once_lists_no_older_folders_afterwards(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver([*landed(DAY, view(AT)), *landed(DAY + timedelta(hours=1), view(AT))])
    watcher = Watcher(shop.settings)
    watcher.look()
    since = []

    def refused(_: object, topic: str, first: datetime) -> list[LandedObject]:
        since.append(first)
        return [LandedObject(topic, EPOCH, f"topics/{topic}", 0, "", "cannot be listed: 503")]

    monkeypatch.setattr(landed_objects, "list_landed", refused)
    watcher.look()
    watcher.look()
    assert len(set(since)) == 1


def test_what_lands_in_an_older_folder_is_found_within_a_minute_and_files_are_merged_in_five(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.warehouse.live_loop.time.sleep", lambda _: None)
    seconds = iter(range(0, 10_000, 10))
    later = DAY + timedelta(hours=1)
    shop.deliver(landed(later, view(AT)))
    yielded: list[Any] = []
    said: list[str] = []
    for cycle in work(
        shop.settings,
        shop.dbt,
        lambda: len(yielded) > 20,
        said.append,
        lambda: float(next(seconds)),
    ):
        if not yielded:
            shop.deliver([*landed(DAY, view(AT)), *landed(later, view(AT))])
        yielded.append(cycle)
    loaded = [report.objects for report in filter(None, yielded)]
    assert [count for count in loaded if count] == [1, 1, 1]
    assert any(line.endswith("small files merged") for line in said)


def test_a_shift_ends_only_when_its_hour_is_over_and_the_next_run_is_warm(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("orchestration.defs.live_job.time.monotonic", lambda: now)

    def begin() -> dg.DagsterRun:
        return instance.create_run_for_job(
            defs.resolve_job_def("twist_live"), status=dg.DagsterRunStatus.STARTED
        )

    run = begin()
    context: Any = type("Context", (), {"instance": instance, "run_id": run.run_id})()
    instance.add_run_tags(run.run_id, {WARM: "yes"})
    reporter = LiveReporter(context, None, None)  # type: ignore[arg-type]  # asks Dagster only
    now = live_job.SHIFT_SECONDS + 1
    assert not reporter.is_over(), "nobody is there"
    relief = begin()
    now += 10
    assert not reporter.is_over(), "it is not warm yet"
    instance.add_run_tags(relief.run_id, {WARM: "yes"})
    now += 10
    assert reporter.is_over()


def test_a_shift_that_dagster_gave_up_ends(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("orchestration.defs.live_job.time.monotonic", lambda: now)
    run = instance.create_run_for_job(
        defs.resolve_job_def("twist_live"), status=dg.DagsterRunStatus.STARTED
    )
    context: Any = type("Context", (), {"instance": instance, "run_id": run.run_id})()
    reporter = LiveReporter(context, None, None)  # type: ignore[arg-type]  # asks Dagster only
    now = 10.0
    assert not reporter.is_over()
    instance.report_run_failed(run)
    now = 20.0
    assert reporter.is_over()
