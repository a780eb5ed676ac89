"""Lines that were ahead of the loader's clock are read again once it has reached them."""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.lake import line_stream
from ingestion.lake.object_keys import object_key
from ingestion.lake.object_text import ObjectError
from orchestration.warehouse.rebuild import recompute
from tests.harness.given import CLICKS
from tests.harness.pipeline import Pipeline

pytestmark = pytest.mark.ci

AHEAD = timedelta(days=1, seconds=6)
SAME, GONE, REWRITTEN = (
    object_key(CLICKS, datetime(2026, 11, 2, 12, tzinfo=UTC), partition, 1)
    for partition in range(3)
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Three objects, each with three lines ahead of the clock that set them aside, read again."""
    pipeline = Pipeline(tmp_path_factory.mktemp("ahead"), slack_hours=2)
    pipeline.load()
    early = datetime.now(UTC) + AHEAD
    for partition, key in enumerate((SAME, GONE, REWRITTEN)):
        land(
            pipeline,
            key,
            line(partition, 1, datetime.now(UTC)),
            line(partition, 2, early),
            line(partition, 3, early, channel=None),
            line(partition, 4, early, event_id=f"{partition}-2", store_id="other"),
        )
    report = pipeline.load()
    assert (report.loaded, report.quarantined) == (3, 9)
    time.sleep(max(0.0, (early - datetime.now(UTC) - timedelta(days=1)).total_seconds()) + 0.1)
    (pipeline.root / "landing" / GONE).unlink()
    now = datetime.now(UTC)
    land(pipeline, REWRITTEN, line(2, 5, now), line(2, 6, now))
    assert pipeline.load().unreadable == ()
    yield pipeline
    pipeline.close()


def line(partition: int, offset: int, arrival: datetime, **fields: object) -> str:
    event = {
        "event_id": f"{partition}-{offset}", "event_type": "product_view",
        "event_ts": f"{arrival:%Y-%m-%dT%H:%M:%S}Z", "channel": "web", "style_id": "S",
        "_topic": CLICKS, "_partition": partition, "_offset": offset,
        "_timestamp": int(arrival.timestamp() * 1000),
    } | fields  # fmt: skip
    return json.dumps(event)


def land(shop: Pipeline, key: str, *lines: str) -> None:
    path = shop.root / "landing" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{each}\n" for each in lines).encode()))


def balance(shop: Pipeline, key: str) -> list[tuple[int, ...]]:
    """Lines, loaded, duplicates, late and quarantined ones of each content of the key."""
    return shop.query(
        "select lines, loaded, duplicates, late, quarantined from twist.audit.landed_objects "
        f"where object_key = '{key}' order by lines desc"
    )


def test_they_are_loaded_or_judged_by_the_other_rules(shop: Pipeline) -> None:
    assert balance(shop, SAME) == [(4, 2, 1, 0, 1)]
    kept = (
        "select reason from twist.audit.quarantined_lines where released_at is null "
        f"and object_key = '{SAME}'"
    )
    assert shop.query(kept) == [("channel is missing",)]


def test_an_object_that_is_gone_by_then_stays_as_it_was_loaded(shop: Pipeline) -> None:
    assert balance(shop, GONE) == [(4, 1, 0, 0, 3)]


def test_an_object_that_was_rewritten_by_then_has_a_row_for_each_content(shop: Pipeline) -> None:
    assert balance(shop, REWRITTEN) == [(4, 1, 0, 0, 3), (2, 2, 0, 0, 0)]


def test_no_object_is_read_a_third_time(shop: Pipeline) -> None:
    assert shop.query(
        "select count(*) from twist.audit.quarantined_lines where read_again_at is not null"
    ) == [(0,)]
    assert (shop.load().objects, balance(shop, SAME)) == (0, [(4, 2, 1, 0, 1)])


def test_the_rows_of_staging_are_as_many_as_were_counted(shop: Pipeline) -> None:
    ((staged,),) = shop.query("select count(*) from twist.staging.stg_clickstream__events")
    ((counted,),) = shop.query("select sum(loaded) from twist.audit.landed_objects")
    assert staged == counted == 6


def test_an_object_that_cannot_be_read_when_the_clock_has_reached_its_lines_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tmp_path / "shop", slack_hours=2)
    pipeline.load()
    early = datetime.now(UTC) + AHEAD
    land(pipeline, SAME, line(0, 1, datetime.now(UTC)), line(0, 2, early))
    assert pipeline.load().quarantined == 1
    time.sleep(max(0.0, (early - datetime.now(UTC) - timedelta(days=1)).total_seconds()) + 0.1)

    def fails(*_: object) -> None:
        raise ObjectError("cannot be read: 503 Slow Down")

    with monkeypatch.context() as patch:
        patch.setattr(line_stream, "fetch", fails)
        pipeline.load()
    waiting = "select count(read_again_at) from twist.audit.quarantined_lines"
    assert pipeline.query(waiting) == [(1,)]
    pipeline.query(
        "update twist.audit.quarantined_lines set read_again_at = now() at time zone 'UTC'"
    )
    pipeline.load()
    assert balance(pipeline, SAME) == [(2, 2, 0, 0, 0)]
    pipeline.close()


def test_a_day_that_is_computed_again_does_not_count_its_lines_again(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path / "shop", slack_hours=2)
    pipeline.load()
    early = datetime.now(UTC) + AHEAD + timedelta(seconds=12)
    land(pipeline, SAME, line(0, 1, datetime.now(UTC)), line(0, 2, early))
    assert pipeline.load().quarantined == 1
    today = datetime.now(UTC).date()
    recompute(pipeline.settings, pipeline.dbt, today - timedelta(days=1), today, lambda _: None)
    time.sleep(max(0.0, (early - datetime.now(UTC) - timedelta(days=1)).total_seconds()) + 0.1)
    pipeline.load()
    assert balance(pipeline, SAME) == [(2, 2, 0, 0, 0)]
    pipeline.close()
