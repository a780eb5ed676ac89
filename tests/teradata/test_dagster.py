"""Dagster on the target teradata: its ways to run, its checks, on the stand-in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import SettingsError
from orchestration.definitions import defs
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.expectation_checks import SPECS, validated
from orchestration.defs.freshness_checks import verdicts
from orchestration.defs.history_asset import closed_days
from orchestration.defs.jobs import hourly_maintenance
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.topic_assets import topic_key
from orchestration.history import teradata_files
from orchestration.history.export import days_to_export, export_day
from orchestration.history.manifests import HistoryError, read_manifest
from orchestration.history.restore import verify_day
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.live_loop import work
from orchestration.warehouse.maintain import maintain
from tests.harness.minute_lines import landed, sku, stock, view
from tests.harness.warm import warm_runner
from tests.teradata import emulator
from tests.teradata.warehouse import LOCATION, Teradata

pytestmark = pytest.mark.long

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
LONG_AGO = NOW - timedelta(days=6)
"""Its day is closed by what came since."""
CLICKS = topic_key("clickstream")
FRESH = dg.AssetCheckKey(CLICKS, "arrivals_are_fresh")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teradata]:
    """A shirt that met stock 60 times in the last minutes."""
    root = tmp_path_factory.mktemp("system")
    made = Teradata(root / "landing", slack_hours=2)
    names = {"landing": str(root / "landing"), "history": str(root / "landing" / "history")}
    names["teradata_history"] = f"{LOCATION}/history"
    made.settings = made.settings.model_copy(update=names)
    made.dbt.settings = made.settings
    views = [view(NOW - timedelta(seconds=n)) for n in range(60)]
    made.deliver(landed(LONG_AGO, stock(LONG_AGO), view(LONG_AGO), view(LONG_AGO, "Z")))
    made.deliver(
        landed(NOW, sku(NOW - timedelta(hours=1)), stock(NOW - timedelta(hours=1)), *views)
    )
    made.load()
    yield made
    made.close()


@pytest.fixture
def lakehouse(system: Teradata, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    settings = system.settings

    def dbt(_: Lakehouse, on_result: Callable[[Any], None] = lambda _: None) -> Dbt:
        return Dbt(settings, runner=warm_runner("teradata"), on_result=on_result)

    monkeypatch.setattr(Lakehouse, "dbt", dbt)
    emulator.use(system.system)
    system.close()
    names = ("target", "teradata_landing", "teradata_history", "landing", "warehouse", "history")
    return Lakehouse(overrides={name: str(getattr(settings, name)) for name in names})


def test_a_load_reports_every_table_with_its_rows_and_every_test(
    lakehouse: Lakehouse, system: Teradata
) -> None:
    system.deliver(landed(NOW + timedelta(seconds=3), view(NOW)))
    views = len(system.rows("marts.fct_twist"))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("twist_load").execute_in_process(
            instance=instance, resources={"lakehouse": lakehouse}, raise_on_error=False
        )
    assert result.success, [str(event) for event in result.all_events if event.is_failure]
    told = [event.materialization for event in result.get_asset_materialization_events()]
    metadata = {one.asset_key.path[-1]: one.metadata for one in told}
    # The overview's views are not of a load: its first page makes them.
    loaded = [spec for spec in warehouse.specs if spec.key.path[0] != "overview"]
    assert {spec.key.path[-1] for spec in loaded} <= metadata.keys()
    assert metadata["fct_twist"]["dagster/row_count"].value == views + 1
    checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
    assert len(checks) == len(list(warehouse.check_specs))
    assert all(checks.values()), checks


def test_a_failed_dbt_test_is_red_and_shows_its_rows(
    lakehouse: Lakehouse, system: Teradata
) -> None:
    name = "hourly_parts_are_the_parts_of_the_fact"
    (check,) = [spec for spec in warehouse.check_specs if spec.name == name]
    job = dg.define_asset_job(
        "one", dg.AssetSelection.checks(check.key), executor_def=dg.in_process_executor
    )
    chosen = dg.Definitions([warehouse], jobs=[job], resources={"lakehouse": lakehouse})
    system.system.database.execute("update twist_marts.fct_twist_hourly set views = views + 1")
    with dg.DagsterInstance.ephemeral() as instance:
        result = chosen.resolve_job_def("one").execute_in_process(instance=instance)
    system.system.database.execute("update twist_marts.fct_twist_hourly set views = views - 1")
    (red,) = result.get_asset_check_evaluations()
    assert not red.passed
    assert "| view_hour | views | hourly_views |" in str(red.metadata["failed rows"].value)


def test_fresh_data_is_green_and_what_nobody_loads_is_the_loaders_fault(
    lakehouse: Lakehouse, system: Teradata
) -> None:
    # What came when this module was imported may be old by now.
    settings = lakehouse.settings().model_copy(update={"fresh_clickstream_minutes": 1440})
    assert verdicts(settings)[FRESH].colour == "green"
    (delivery,) = landed(NOW + timedelta(seconds=1), view(NOW))
    system.deliver([delivery])
    stale = settings.model_copy(update={"fresh_loader_minutes": 0})
    assert verdicts(stale)[FRESH].cause == "loader"
    (system.landing / delivery.key).unlink()
    assert verdicts(settings)[FRESH].cause == "fresh"


def test_expectations_read_with_the_driver_and_judge_both_ways(
    lakehouse: Lakehouse, system: Teradata
) -> None:
    def failed() -> set[str]:
        found = validated(lakehouse.settings(), SPECS.keys())
        return {result.check_name or "" for result in found if not result.passed}

    before = failed()
    assert "views_name_a_style" not in before
    system.system.database.execute("update twist_marts.fct_twist set style_id = ''")
    assert failed() == before | {"views_name_a_style"}
    system.system.database.execute("update twist_marts.fct_twist set style_id = 'shirt'")


def test_live_mode_loads_what_lands(lakehouse: Lakehouse, system: Teradata) -> None:
    system.deliver(landed(NOW + timedelta(seconds=2), view(NOW, "Z"), view(NOW)))
    views = len(system.rows("marts.fct_twist"))
    ends = iter((False, True))
    loads = work(lakehouse.settings(), lakehouse.dbt(), lambda: next(ends), lambda _: None)
    (report,) = (cycle for cycle in loads if cycle)
    assert (report.lines, report.loaded) == (2, 2)
    assert [(topic.topic, topic.lines) for topic in report.topics] == [("clickstream", 2)]
    assert len(system.rows("marts.fct_twist")) == views + 2


def test_a_closed_day_goes_to_the_history_lake_by_write_nos(
    lakehouse: Lakehouse, system: Teradata, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, day = lakehouse.settings(), LONG_AGO.date()
    assert list(days_to_export(settings)) == [day]
    result = dg.materialize(
        [closed_days], partition_key=str(day), resources={"lakehouse": lakehouse}, selection="*"
    )
    assert result.success
    assert days_to_export(settings) == {}
    verify_day(settings, day)
    (old,) = (Path(settings.history_root) / "fct_twist").rglob("*.parquet")
    manifest = read_manifest(settings, day)
    assert manifest
    fact = manifest["tables"]["fct_twist"]
    assert (fact["rows"], fact["sums"]["unknown_share"]) == (2, "1.000000")

    write = teradata_files._write
    monkeypatch.setattr(
        teradata_files,
        "_write",
        lambda ask, settings, rows, folder: write(
            ask, settings, f"{rows} and sku_id <> 'Z'", folder
        ),
    )
    with pytest.raises(HistoryError, match=r"fct_twist for .* expected 2 rows .* found 1 rows"):
        export_day(settings, day)
    assert read_manifest(settings, day) == manifest, "the old day stays"
    monkeypatch.undo()
    export_day(settings, day)
    (new,) = (Path(settings.history_root) / "fct_twist").rglob("*.parquet")
    assert new != old, "what failed and what came before is gone"


def test_what_keeps_files_does_not_run_there(lakehouse: Lakehouse) -> None:
    with dg.build_schedule_context(resources={"lakehouse": lakehouse}) as context:
        skipped: Any = hourly_maintenance(context)
    assert skipped.skip_message == "the target teradata keeps no files of ours"
    with pytest.raises(SettingsError, match="works on the targets embedded and s3"):
        maintain(lakehouse.settings(), lambda _: None)
