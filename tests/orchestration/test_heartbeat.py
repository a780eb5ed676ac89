"""Runs that were killed are failed, living ones are left alone."""

import time
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.live_job import SHIFT_SECONDS, live_mode
from orchestration.monitoring import heartbeat
from orchestration.monitoring.heartbeat import TAG, add_tags, beating, fail_silent_runs

STARTED = dg.DagsterRunStatus.STARTED


def begin(instance: dg.DagsterInstance, job: str = "twist_load") -> dg.DagsterRun:
    run = instance.create_run_for_job(
        defs.resolve_job_def(job), status=dg.DagsterRunStatus.STARTING
    )
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", job), run_id=run.run_id)
    return run


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found.status


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time()
    monkeypatch.setattr("orchestration.monitoring.heartbeat.time.time", lambda: now + seconds)


def test_a_run_without_a_sign_of_life_is_failed_and_says_why(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(instance)
    assert fail_silent_runs(instance) == []
    later(monkeypatch, 61)
    (sentence,) = fail_silent_runs(instance)
    assert "no heartbeat for 61 s: its process was killed, or hangs" in sentence
    assert status(instance, run) == dg.DagsterRunStatus.FAILURE
    assert fail_silent_runs(instance) == []


def test_a_run_that_beats_is_left_alone(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(instance)
    instance.add_run_tags(run.run_id, {TAG: str(int(time.time()) + 40)})
    later(monkeypatch, 90)
    assert fail_silent_runs(instance) == []
    assert status(instance, run) == STARTED


def test_a_run_that_never_starts_is_failed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = instance.create_run_for_job(
        defs.resolve_job_def("twist_load"), status=dg.DagsterRunStatus.STARTING
    )
    later(monkeypatch, 60)
    assert fail_silent_runs(instance) == []
    later(monkeypatch, 130)
    assert "has not started" in fail_silent_runs(instance)[0]
    assert status(instance, run) == dg.DagsterRunStatus.FAILURE


def test_a_run_beats_while_it_makes_progress_and_ends_itself_when_it_hangs(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "HUNG_SECONDS", 0.5)
    monkeypatch.setattr("orchestration.monitoring.heartbeat.os._exit", ended.append)
    run = begin(instance)
    context: Any = SimpleNamespace(instance=instance, run=run)
    with beating(context) as progress:
        for _ in range(10):
            time.sleep(0.1)
            progress()
        assert ended == []
        deadline = time.monotonic() + 20
        while not ended and time.monotonic() < deadline:
            time.sleep(0.05)
    assert set(ended) == {70}
    found = instance.get_run_by_id(run.run_id)
    assert found
    assert abs(int(found.tags[TAG]) - time.time()) < 30


def test_what_a_run_notes_beside_its_beats_is_kept(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0)
    run = begin(instance)
    context: Any = SimpleNamespace(instance=instance, run=run)
    noted = {f"twist/{number}": "yes" for number in range(20)}
    with beating(context):
        for name, value in noted.items():
            add_tags(context, {name: value})
    found = instance.get_run_by_id(run.run_id)
    assert found
    assert found.tags.items() >= noted.items()


def test_a_beat_that_fails_is_followed_by_the_next(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    run = begin(instance)
    gone = SimpleNamespace(add_run_tags=None)
    context: Any = SimpleNamespace(instance=gone, run=run)
    with beating(context):
        time.sleep(0.2)
        context.instance = instance
        time.sleep(0.5)
    found = instance.get_run_by_id(run.run_id)
    assert found
    assert TAG in found.tags


def tick(instance: dg.DagsterInstance) -> Any:
    return live_mode(dg.build_sensor_context(instance))


def test_live_mode_keeps_one_run_and_starts_its_relief_when_the_hour_is_over(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(tick(instance), dg.RunRequest)
    run = begin(instance, "twist_live")
    assert isinstance(tick(instance), dg.SkipReason)
    later(monkeypatch, SHIFT_SECONDS + 1)
    assert isinstance(tick(instance), dg.RunRequest), "the next hour's run warms up"
    relief = begin(instance, "twist_live")
    assert isinstance(tick(instance), dg.SkipReason), "two are enough"
    instance.report_run_failed(run)
    instance.report_run_failed(relief)
    assert isinstance(tick(instance), dg.RunRequest), "both are gone"
