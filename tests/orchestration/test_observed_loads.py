"""What is loaded outside of Dagster is shown in Dagster, as the audit has it."""

from typing import Any

import dagster as dg

from orchestration.defs.observed_loads import loads_elsewhere, observations
from orchestration.warehouse import loaded_by
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
