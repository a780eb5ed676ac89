"""Which closed days the sensor requests: each has its turn, and none is forgotten."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.defs import history_asset
from orchestration.defs.history_asset import DAYS_AT_ONCE, days_that_closed, history_is_complete
from orchestration.history.export import export_day
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import DAY, free, lakehouse

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Clock(datetime):
    """The moment of a tick."""

    moment = START

    @classmethod
    def now(cls, _: Any = None) -> Any:
        return cls.moment


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(history_asset, "datetime", Clock)
    Clock.moment = START
    return Clock


def tick(shop: Pipeline, instance: dg.DagsterInstance, before: Any = None) -> dg.SensorResult:
    resources = {"lakehouse": lakehouse(free(shop))}
    cursor = before and before.cursor
    context = dg.build_sensor_context(instance, cursor, resources=resources)
    found = days_that_closed(context)
    assert isinstance(found, dg.SensorResult)
    return found


def days(found: dg.SensorResult) -> list[str]:
    return [str(each.partition_key) for each in found.run_requests or ()]


def test_days_that_fail_block_no_other_and_are_requested_again_the_next_day(
    shop: Pipeline,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    clock: type[Clock],
) -> None:
    due = {date(2026, 11, 1 + number): 7 for number in range(DAYS_AT_ONCE + 2)}
    monkeypatch.setattr(history_asset, "days_to_export", lambda _: due)
    names = [str(day) for day in due]
    first = tick(shop, instance)
    assert days(first) == names[:DAYS_AT_ONCE]
    second = tick(shop, instance, first)
    assert days(second) == names[DAYS_AT_ONCE:]
    third = tick(shop, instance, second)
    assert days(third) == []
    assert "not in the history lake yet: 2026-11-01" in str(third.skip_reason)
    clock.moment += timedelta(days=1)
    again = tick(shop, instance, third)
    assert days(again) == names[:DAYS_AT_ONCE]
    keys = {
        str(each.run_key) for each in (*(first.run_requests or ()), *(again.run_requests or ()))
    }
    assert len(keys) == 2 * DAYS_AT_ONCE, "Dagster drops a key that it has used"
    due[date(2026, 11, 1)] = 8
    assert days(tick(shop, instance, again))[0] == names[0], "a replay has changed it since"


def test_a_day_whose_export_is_queued_is_not_requested_a_second_time(
    shop: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_asset, "days_to_export", lambda _: {DAY.date(): 7})
    from orchestration.definitions import defs

    instance.create_run_for_job(
        defs.resolve_job_def("twist_export"),
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags={"dagster/partition": str(DAY.date())},
    )
    assert days(tick(shop, instance)) == []


def test_a_day_that_is_due_for_more_than_a_day_is_red_until_it_is_exported(
    closed: Pipeline, instance: dg.DagsterInstance, clock: type[Clock]
) -> None:
    first = tick(closed, instance)
    (check,) = first.asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert check.passed
    assert json.loads(first.cursor or "")["since"] == {str(DAY.date()): START.isoformat()}
    clock.moment += timedelta(hours=25)
    second = tick(closed, instance, first)
    (check,) = second.asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert not check.passed
    assert f"not in the history lake as they are now: {DAY.date()};" in (check.description or "")
    by_hand = history_is_complete(lakehouse=lakehouse(closed.settings))
    assert isinstance(by_hand, dg.AssetCheckResult)
    assert (by_hand.passed, by_hand.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"yet: {DAY.date()}" in (by_hand.description or "")
    export_day(closed.settings, DAY.date())
    (check,) = tick(closed, instance, second).asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert (check.passed, check.description) == (True, "every closed day is in the history lake")
