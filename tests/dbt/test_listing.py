"""A load finds what landed, wherever it can still land, and looks no further than it must."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.lake import landed_objects
from ingestion.lake.landed_objects import Listed
from orchestration.warehouse import load as load_module
from orchestration.warehouse.load import NothingRead, load
from tests.harness.minute_lines import landed, view
from tests.harness.pipeline import Pipeline

NOW = datetime.now(UTC).replace(tzinfo=None)
LISTING = "temp.main.load_listing"


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(tmp_path / "shop", slack_hours=2)
    made.deliver(landed(NOW, view(NOW)))
    load_only(made)
    yield made
    made.close()


def load_only(pipeline: Pipeline, listed: Listed | None = None) -> int:
    """Load and stage what landed; how many objects that were."""
    return load(pipeline.settings, pipeline.dbt, print, compute=False, listed=listed).objects


def test_the_first_load_of_a_day_lists_all_days_that_late_events_can_reach(
    pipeline: Pipeline,
) -> None:
    days_ago = NOW - timedelta(days=3)
    pipeline.deliver(landed(days_ago, view(days_ago)))
    assert load_only(pipeline) == 0, "not the first one, and the slack does not reach there"
    newest = "select max(audited_at) from twist.audit.landed_objects"
    at_midnight = "update twist.audit.landed_objects set audited_at = current_date"
    pipeline.query(at_midnight)
    assert load_only(pipeline) == 0
    pipeline.query(f"{at_midnight} - interval 1 microsecond")
    assert load_only(pipeline) == 1
    listed_at = f"select max(listed_at) from {LISTING}"
    assert pipeline.query(newest) == pipeline.query(listed_at), (
        "what is listed before midnight and loaded after it makes that load no first one of a day"
    )


def test_what_somebody_listed_is_loaded_and_nothing_else(pipeline: Pipeline) -> None:
    made_by_the_model = pipeline.query(f"describe {LISTING}")
    wanted, other = landed(NOW, view(NOW)), landed(NOW, view(NOW))
    pipeline.deliver([*wanted, *other])
    store = landed_objects.open_store(pipeline.settings)
    there = {found.key: found for found in landed_objects.list_landed(store, "clickstream")}
    assert load_only(pipeline, Listed(datetime.now(UTC), [there[wanted[0].key]])) == 1
    assert pipeline.query(f"describe {LISTING}") == made_by_the_model
    assert load_only(pipeline, Listed(datetime.now(UTC), [there[wanted[0].key]])) == 0
    assert load_only(pipeline) == 1, "the other one"
    assert load_only(pipeline, Listed(datetime.now(UTC), [])) == 0


def test_a_lake_that_is_not_read_any_more_is_refused_and_an_idle_one_is_not(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(load_module, "found_instead", lambda _: pytest.fail("it looked further"))
        assert load_only(pipeline) == 0
    pipeline.close()
    landing = pipeline.root / "landing"
    landing.rename(pipeline.root / "before")
    days_ago = NOW - timedelta(days=300)
    pipeline.deliver(landed(days_ago, view(days_ago)))
    assert load_only(pipeline) == 0, "its objects are older than what is listed"
    pipeline.close()
    pipeline.settings = pipeline.settings.model_copy(update={"landing": str(landing / "topics")})
    pipeline.dbt.settings = pipeline.settings
    with pytest.raises(NothingRead, match="set TWIST_LANDING to the folder above"):
        load_only(pipeline)
