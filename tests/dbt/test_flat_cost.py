"""What a cycle costs with little and with much history behind it. Reported, never asserted by time:

pytest -m long tests/dbt/test_flat_cost.py -s
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import object_key
from ingestion.simulation.simulator import RetailerConfig, write_landing
from orchestration.warehouse.run_results import Recorder
from tests.harness.given import load, packed, sku, stock, view
from tests.harness.pipeline import Pipeline

MINUTE_VIEWS = 150


@pytest.fixture
def opened() -> Iterator[list[Pipeline]]:
    pipelines: list[Pipeline] = []
    yield pipelines
    for pipeline in pipelines:
        pipeline.remove()


@pytest.fixture
def pipeline(tmp_path: Path, opened: list[Pipeline]) -> Pipeline:
    opened.append(Pipeline(tmp_path / "shop"))
    return opened[0]


@pytest.mark.long
def test_the_cost_of_a_cycle_is_reported_with_one_day_and_with_ten_behind_it(
    tmp_path: Path, opened: list[Pipeline]
) -> None:
    for days in (1, 10):
        pipeline = Pipeline(tmp_path / f"{days}d", slack_hours=2)
        opened.append(pipeline)
        config = RetailerConfig(
            start=datetime(2026, 11, 11, tzinfo=UTC) - timedelta(days=days),
            hours=24 * days,
            views=30_000 * days,
            styles=60,
        )
        write_landing(config, pipeline.root / "landing")
        pipeline.load()
        idle = min(_cpu_of_a_load(pipeline) for _ in range(3))
        minutes = []
        for minute in range(3):
            _land_a_minute(pipeline, config.end, minute)
            minutes.append(_cpu_of_a_load(pipeline))
        views = pipeline.query("select count(*) from twist.marts.fct_twist")[0][0]
        pipeline.close()
        print(
            f"\n{days:>2} days behind ({views:,} views): idle cycle {idle:.2f} CPU s, "
            f"a minute of {MINUTE_VIEWS} views {min(minutes):.2f} CPU s"
        )
        assert views > 25_000 * days


def _cpu_of_a_load(pipeline: Pipeline) -> float:
    began = time.process_time()
    pipeline.load()
    return time.process_time() - began


def _land_a_minute(pipeline: Pipeline, end: datetime, minute: int) -> None:
    at = end + timedelta(minutes=minute)
    lines = []
    for number in range(MINUTE_VIEWS):
        happened = at + timedelta(milliseconds=number * 100)
        lines.append(
            f'{{"event_id":"m{minute}-{number}","event_type":"product_view",'
            f'"event_ts":"{happened:%Y-%m-%dT%H:%M:%S.%fZ}","channel":"web",'
            f'"style_id":"S{number % 9}",'
            f'"_topic":"clickstream","_partition":77,"_offset":{minute * MINUTE_VIEWS + number},'
            f'"_timestamp":{int(happened.timestamp() * 1000)}}}'.encode()
        )
    path = pipeline.root / "landing" / object_key(TOPICS[0], at, 77, minute * MINUTE_VIEWS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(*lines))


@pytest.mark.ci
def test_a_file_holds_the_rows_of_one_day_however_many_days_are_loaded_at_once(
    pipeline: Pipeline,
) -> None:
    """A cycle opens its own days' files: a history that was loaded whole costs it nothing.

    Staging is written batch by batch, in the order of arrival: a batch is a day or less of it.
    """
    for hour in (
        "10",
        "11",
    ):  # the first build, then an increment; fewer rows than these lie inline
        days = ("02", "03", "04")
        views = [view(f"{day} {hour}:{n:02d}", f"s{n}") for day in days for n in range(30)]
        pipeline.deliver(load(sku("s1"), stock("02 09:00", "s1", 1), *views))
        pipeline.load()
    lake = "__ducklake_metadata_twist"
    files = pipeline.query(
        f"""
        select distinct table_name, substr(min_value, 1, 10), substr(max_value, 1, 10)
        from {lake}.ducklake_data_file as files
        join {lake}.ducklake_table as tables using (table_id)
        join {lake}.ducklake_column as columns on columns.table_id = tables.table_id
        join {lake}.ducklake_file_column_stats as stats
            on stats.data_file_id = files.data_file_id and stats.column_id = columns.column_id
        where column_name in ('view_date', 'view_hour')
            and table_name in ('fct_twist', 'fct_twist_hourly')
        order by all
        """
    )
    pipeline.close()
    assert files == [
        (table, f"2026-11-{day}", f"2026-11-{day}")
        for table in ("fct_twist", "fct_twist_hourly")
        for day in days
    ]


@pytest.mark.ci
def test_models_of_a_topic_that_brings_nothing_are_left_out_until_it_does(
    pipeline: Pipeline,
) -> None:
    """They empty their tables of the batch before first: its lines would count again."""
    pipeline.dbt.on_result = recorder = Recorder()
    of_catalog = {"load_catalog", "stg_catalog__skus"}
    steps = [
        (sku("a"), {*of_catalog, "load_dead_letters"}),
        (view("02 10:00", "a"), of_catalog),
        (view("02 10:01", "a"), set()),
        (sku("b"), of_catalog),
    ]
    for line, expected in steps:
        pipeline.deliver(load(line))
        report = pipeline.load()
        ran = {unique_id.split(".")[-1] for unique_id in recorder.taken()}
        assert (report.lines, report.loaded) == (1, 1)
        assert {*of_catalog, "load_dead_letters"} & ran == expected
        assert {"load_clickstream", "fct_twist", "landed_objects"} <= ran
    skus = "select sku_id, count(*) from twist.staging.stg_catalog__skus group by 1 order by 1"
    assert pipeline.query(skus) == [("a", 1), ("b", 1)]
    pipeline.close()


@pytest.mark.ci
def test_what_is_computed_moves_on_with_each_cycle_of_a_process(
    pipeline: Pipeline,
) -> None:
    """SQL views are created once per process: a watermark of theirs would hold it back."""
    stamps = "select load_id from twist.audit.watermarks where model_name = "
    for minute in range(3):
        pipeline.deliver(load(sku(f"s{minute}"), view(f"02 10:0{minute}", "a")))
        runs = pipeline.query(f"{stamps} 'this run'") if minute else []
        pipeline.load()
        if minute:
            assert pipeline.query(f"{stamps} 'computed'") == runs


@pytest.mark.ci
def test_a_cycle_of_a_warm_process_narrows_each_model_to_what_changed(
    pipeline: Pipeline,
) -> None:
    """Computing everything would give the same tables."""
    pipeline.deliver(load(sku("a"), stock("02 08:00", "a", 1), view("02 10:00", "a")))
    pipeline.load()
    compiled: dict[str, str] = {}
    for minute in (1, 2):
        pipeline.deliver(load(view(f"02 10:0{minute}", "a")))
        compiled.clear()
        pipeline.dbt.on_result = lambda result: compiled.update(
            {result.node.name: getattr(result.node, "compiled_code", None) or ""}
        )
        pipeline.load()
        for model, changed in (("fct_twist", "changed_views"), ("twist_daily", "changed_days")):
            assert re.search(rf"\b{changed}\b", compiled[model]), (minute, model)
