"""The ways to run, each as Dagster runs it, on a small lake."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.jobs import every_5_minutes
from orchestration.defs.topic_assets import topic_specs
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.minute_lines import landed, view
from tests.harness.pipeline import Pipeline
from tests.harness.warm import warm_runner
from tests.orchestration.conftest import AT, DAY, free, lakehouse

pytestmark = pytest.mark.usefixtures("warm")


def run(job: str, shop: Pipeline, instance: dg.DagsterInstance, **options: Any) -> Any:
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        resources={"lakehouse": lakehouse(free(shop))},
        raise_on_error=False,
        **options,
    )


def run_selection(
    selection: dg.AssetSelection, shop: Pipeline, instance: dg.DagsterInstance
) -> Any:
    """What "Materialize selected" in the UI runs."""
    job = dg.define_asset_job("selected", selection, executor_def=dg.in_process_executor)
    chosen = dg.Definitions(
        assets=[*topic_specs(), warehouse],
        jobs=[job],
        resources={"lakehouse": lakehouse(free(shop))},
    )
    return chosen.resolve_job_def("selected").execute_in_process(
        instance=instance, raise_on_error=False
    )


def checks(result: Any) -> dict[str, Any]:
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def rows(result: Any) -> dict[str, Any]:
    return {
        event.asset_key.path[-1]: event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
        if "dagster/row_count" in event.materialization.metadata
    }


def error(result: Any) -> str:
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    return str(failure.step_failure_data.error)


def test_a_load_reports_every_table_with_its_rows_and_every_test(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.deliver(landed(DAY, view(AT + timedelta(minutes=4))))
    result = run("twist_load", shop, instance)
    assert result.success
    materialized = {e.asset_key for e in result.get_asset_materialization_events()}
    tables = {spec.key for spec in warehouse.specs if spec.key.path[0] != "overview"}
    assert materialized == tables | {dg.AssetKey(["landing", "landing_clickstream"])}, (
        "the overview's views are made with its first page"
    )
    assert rows(result)["fct_twist"] == 3
    assert rows(result)["stg_availability__stock_changes"] == 2
    assert len(checks(result)) == len(list(warehouse.check_specs))
    # Lines of other tests took offsets, too.
    red = {name for name, check in checks(result).items() if not check.passed}
    assert red <= {"no_offset_is_missing"}


PARTS = [check for check in warehouse.check_specs if "_parts_" in check.name]


def of(*tables: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(["marts", table] for table in tables))


def test_a_failed_dbt_test_is_red_and_shows_its_rows(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.query("update twist.marts.fct_twist_hourly set views = views + 1")
    tests = dg.AssetSelection.checks(*(check.key for check in PARTS))
    result = run_selection(tests, shop, instance)
    assert result.success, "the tests ran: it is the data that is wrong"
    red = {name for name, check in checks(result).items() if not check.passed}
    assert red == {
        "hourly_parts_are_the_parts_of_the_fact",
        "daily_parts_are_the_parts_of_the_hours",
    }
    shown = checks(result)["hourly_parts_are_the_parts_of_the_fact"].metadata["failed rows"].value
    assert "| view_hour | views | hourly_views |" in shown
    assert "| 2026-11-02 10:00:00 | 2 | 3 |" in shown


def test_a_broken_dbt_test_fails_the_run_and_not_the_data(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.query("drop view twist.marts.dim_sku")
    tests = [spec.key for spec in warehouse.check_specs if spec.asset_key.path[-1] == "dim_sku"]
    result = run_selection(dg.AssetSelection.checks(*tests), shop, instance)
    assert not result.success
    assert "dim_sku does not exist" in error(result)
    assert checks(result) == {}


def test_a_selection_of_marts_computes_those_alone(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.deliver(landed(DAY, view(AT + timedelta(minutes=4))))
    result = run_selection(of("twist_daily").without_checks(), shop, instance)
    assert result.success
    materialized = [e.asset_key.path[-1] for e in result.get_asset_materialization_events()]
    assert materialized == ["twist_daily"]
    assert shop.query("select count(*) from twist.marts.fct_twist") == [(2,)]


def test_a_failed_model_fails_the_run_in_its_own_words(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.query("alter table twist.marts.fct_twist drop column channel")
    shop.query("update twist.marts.fct_twist set load_id = 10000")
    result = run_selection(of("fct_twist_hourly").without_checks(), shop, instance)
    assert not result.success
    assert "fct_twist_hourly: " in error(result)


@pytest.mark.long
def test_days_computed_anew_mend_what_was_damaged_in_them_only(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.deliver(landed(DAY, view(AT + timedelta(days=1))))
    shop.load()
    good = shop.query("select * exclude (load_id) from twist.marts.fct_twist order by view_id")
    hours = shop.query("select * exclude (load_id) from twist.marts.fct_twist_hourly order by all")
    shop.query("update twist.marts.fct_twist set channel = 'app', in_stock_share = 0.5")
    shop.query("update twist.marts.fct_twist_hourly set views = 7 where view_hour < '2026-11-03'")
    days = {"first_day": "2026-11-02", "last_day": "2026-11-02"}
    result = run(
        "twist_rebuild", shop, instance, run_config={"ops": {"rebuild_days": {"config": days}}}
    )
    assert result.success, error(result)
    mended = shop.query("select * exclude (load_id) from twist.marts.fct_twist order by view_id")
    assert [row for row in mended if row[0].day == 2] == [row for row in good if row[0].day == 2]
    assert [row[6] for row in mended if row[0].day == 3] == ["app"]
    first = "select * exclude (load_id) from twist.marts.fct_twist_hourly "
    assert shop.query(f"{first} where view_hour < '2026-11-03' order by all") == [
        row for row in hours if row[0].day == 2
    ]


@pytest.mark.long
def test_a_rebuild_without_days_reads_the_lake_again(
    shop: Pipeline,
    loaded: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "orchestration.warehouse.rebuild.Dbt",
        lambda settings: Dbt(settings, runner=warm_runner()),
    )
    shutil.copytree(loaded / "landing", shop.root / "landing", dirs_exist_ok=True)
    shop.query("delete from twist.marts.fct_twist")
    result = run("twist_rebuild", shop, instance)
    assert result.success, error(result)
    assert shop.query("select count(*) from twist.marts.fct_twist") == [(2,)]


@pytest.mark.long
def test_late_events_are_replayed_and_maintenance_runs_as_jobs(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.deliver(landed(DAY, view(AT, arrived=AT + timedelta(days=9))))
    shop.load()
    assert shop.query("select count(*) from twist.marts.fct_twist") == [(2,)]
    result = run("twist_replay_late", shop, instance)
    assert result.success, error(result)
    assert shop.query("select count(*) from twist.marts.fct_twist") == [(3,)]
    assert run("twist_maintain", shop, instance).success


@pytest.mark.long
def test_visitors_of_a_file_and_old_lines_are_forgotten_as_jobs(
    shop: Pipeline, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.warehouse.maintain.GRACE_SECONDS", 0)
    shop.deliver(landed(DAY, view(AT, visitor_id="visitor-of-1"), view(AT, visitor_id="another-1")))
    shop.load()
    who = (
        "select list(distinct visitor_id order by visitor_id) "
        "filter (where visitor_id is not null) from twist.marts.fct_twist"
    )
    assert shop.query(who) == [(["another-1", "visitor-of-1", "x"],)]
    (tmp_path / "ids").write_text("visitor-of-1\n")
    asked = {"file": str(tmp_path / "ids"), "why": "asked"}
    config = {"ops": {"forget_visitors": {"config": asked}}}
    result = run("twist_forget", shop, instance, run_config=config)
    assert result.success, error(result)
    assert shop.query(who) == [(["another-1", "x"],)]
    monkeypatch.setenv("TWIST_RAW_DAYS", "1")
    result = run("twist_forget_old", shop, instance)
    assert result.success, error(result)
    assert shop.query(who) == [(None,)]


def test_the_schedule_gives_way_to_live_mode_and_to_its_own_last_run(
    instance: dg.DagsterInstance,
) -> None:
    def tick() -> Any:
        return every_5_minutes.evaluate_tick(dg.build_schedule_context(instance=instance))

    assert len(tick().run_requests or []) == 1
    load = instance.create_run_for_job(
        defs.resolve_job_def("twist_load"), status=dg.DagsterRunStatus.STARTED
    )
    assert tick().skip_message == "the previous load is not finished"
    instance.report_run_failed(load)
    assert len(tick().run_requests or []) == 1
    instance.create_run_for_job(
        defs.resolve_job_def("twist_live"), status=dg.DagsterRunStatus.STARTED
    )
    assert tick().skip_message == "twist_live is running: it loads what lands"
