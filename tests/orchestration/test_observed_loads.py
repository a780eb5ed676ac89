"""What is loaded outside of Dagster is shown in Dagster, as the audit has it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from expectations.runner import read_suites, validate
from orchestration import demo
from orchestration.defs.freshness_checks import SPECS, freshness_of_data
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.observed_loads import loads_elsewhere, observations
from orchestration.monitoring import check_results
from orchestration.monitoring.run_checks import newest_slice, run_checks
from orchestration.warehouse import loaded_by
from orchestration.warehouse.dbt_runner import Dbt, environment
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import free, lakehouse


def test_tables_and_topics_show_when_they_were_loaded_and_by_whom(closed: Pipeline) -> None:
    settings = free(closed)
    by = loaded_by.read(settings)
    assert by
    assert by.who.startswith("make") and ", user " in by.who
    found = {each.asset_key.to_user_string(): each.metadata for each in observations(settings)}
    assert {"marts/fct_twist", "staging/stg_clickstream__events", "audit/landed_objects"} <= set(
        found
    )
    fact = found["marts/fct_twist"]
    assert fact["loaded by"].value == by.who
    assert "loaded at" in fact
    assert found["landing/landing_clickstream"]["lines"].value != 0


def test_each_load_is_observed_once_and_dagsters_own_are_not(
    closed: Pipeline, instance: dg.DagsterInstance
) -> None:
    settings = free(closed)

    def look(cursor: str | None) -> Any:
        resource = lakehouse(settings)
        context = dg.build_sensor_context(instance, cursor, resources={"lakehouse": resource})
        return loads_elsewhere(context)

    first = look(None)
    assert isinstance(first, dg.SensorResult)
    assert len(list(first.asset_events)) > 10
    assert isinstance(look(first.cursor), dg.SkipReason)
    with loaded_by.dagster_job("twist_load"):
        loaded_by.note(settings, 99)
    own = look(first.cursor)
    assert isinstance(own, dg.SensorResult)
    assert not own.asset_events


@pytest.mark.long
def test_after_make_demo_everything_is_shown_and_no_check_is_red_or_amber(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    demo.demo("retailer", None, lambda _: None)
    settings = demo.demo_settings()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)  # as `make ui` starts Dagster's code server
    events: list[Any] = []
    for look in (loads_elsewhere, freshness_of_data):
        resources = {"lakehouse": Lakehouse()}
        seen: Any = look(dg.build_sensor_context(instance, resources=resources))
        assert isinstance(seen, dg.SensorResult), seen
        events += seen.asset_events
    observed = [each for each in events if isinstance(each, dg.AssetObservation)]
    assert {"marts/fct_twist", "marts/twist_daily", "landing/landing_clickstream"} <= {
        each.asset_key.to_user_string() for each in observed
    }
    assert all({"loaded at", "loaded by"} <= set(each.metadata) for each in observed)
    judged = [each for each in events if isinstance(each, dg.AssetCheckEvaluation)]
    assert len(judged) == len(SPECS)
    assert [each.check_name for each in judged if not each.passed] == []
    with closing(Dbt(settings)) as dbt:
        run_checks(settings, dbt, lambda _: None)
    found = check_results.recorded(settings)
    assert {each.source for each in found} == {"dbt", "Great Expectations", "freshness"}
    assert len(found) > 200
    assert [each for each in found if each.status != "passed"] == []
    for suite in read_suites():  # the newest hour has few rows: the whole demo
        frame = newest_slice(settings, replace(suite, hours=2_000))
        assert len(frame) >= suite.judged_from
        outcomes = validate(suite, frame)
        assert [name for name, outcome in outcomes.items() if not outcome.passed] == []
