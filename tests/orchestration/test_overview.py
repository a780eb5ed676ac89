"""The overview page as Dagster publishes it."""

from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pytest

from ingestion.settings import Settings
from orchestration.definitions import defs
from orchestration.defs import overview_asset
from orchestration.defs.dagster_results import materialized
from orchestration.defs.dbt_models import warehouse
from orchestration.pages.overview.publish import sql_views_exist
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import free, lakehouse
from tests.orchestration.test_write_queue import start, wait_until, write_always


def test_the_page_is_published_with_views_made_on_first_use(
    shop: Pipeline, warm: None, instance: dg.DagsterInstance
) -> None:
    settings = free(shop)
    assert not sql_views_exist(settings)
    result = defs.resolve_job_def("twist_overview").execute_in_process(
        instance=instance, resources={"lakehouse": lakehouse(settings)}, raise_on_error=False
    )
    assert result.success
    (event,) = result.get_asset_materialization_events()
    address = str(event.materialization.metadata["page"].value)
    page = Path(address.removeprefix("file://"))
    assert page == Path(settings.overview_root) / "overview.html"
    assert "50.0%" in page.read_text(), "one view met stock and one did not"
    assert sql_views_exist(settings)
    reported = {result.asset_key for result in materialized(shop.dbt, warehouse.specs, {})}
    assert {spec.key for spec in warehouse.specs} == reported, "views that stand are up to date"


def test_without_a_warehouse_the_run_says_what_to_do(
    tmp_path: Path, warm: None, instance: dg.DagsterInstance
) -> None:
    empty = Pipeline(tmp_path / "nothing")
    result = defs.resolve_job_def("twist_overview").execute_in_process(
        instance=instance, resources={"lakehouse": lakehouse(free(empty))}, raise_on_error=False
    )
    assert not result.success
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "run `make load`" in str(failure.step_failure_data.error)


def test_a_run_says_for_whom_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "warehouse"))
    monkeypatch.setattr(overview_asset, "beating", lambda _: nullcontext())
    monkeypatch.setattr(overview_asset, "publish", lambda *_: "page")
    log = tmp_path / "log"
    loop = start(write_always, settings.warehouse_root, log)
    try:
        wait_until(lambda: log.exists() and "loop ends" in log.read_text())
        overview_asset.overview_page(dg.build_asset_context(), lakehouse(settings))
    finally:
        loop.kill()
        loop.join()
    assert f"waiting to write to {settings.warehouse_root}" in capfd.readouterr().err
