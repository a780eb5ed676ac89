"""`kill -9` at any moment loses nothing and counts nothing twice."""

from pathlib import Path

import pytest

from orchestration.warehouse.dbt_runner import DbtFailed
from tests.harness.given import load, sku, stock, view
from tests.harness.killed_shop import KilledShop
from tests.harness.pipeline import Pipeline, differences
from tests.harness.processes import run_warm
from tests.harness.referee import referee
from tests.harness.tables import files, loaded_lines, marts, query, set_aside


def crash(root: Path, kills: int, seed: int) -> None:
    """Kill loads of a filling lake, then load once more and compare with one that was spared."""
    shop = KilledShop(root, seed)
    shop.land(kills + 1)
    longest, done = 6.0, 0
    for remaining in range(kills * 4, 0, -1):
        if done == kills:
            break
        if shop.kill_a_load(longest):
            done += 1
            if shop.rng.random() < 0.8:
                shop.land(kills + 1 - done)
        else:
            longest *= 0.8
        assert remaining > 1, "loads are too fast to be killed"
    shop.land(1)
    run_warm(shop.settings, root / "log", "load")
    spared = shop.warehouse("spared")
    run_warm(spared, root / "log", "load")

    assert marts(shop.settings) == marts(spared)
    assert set_aside(shop.settings) == set_aside(spared)
    assert loaded_lines(shop.settings) == loaded_lines(spared)
    ((views,),) = query(spared, "select count(*) from marts.fct_twist")
    assert views > 100, "the landing lake is not worth a test"

    run_warm(shop.settings, root / "log", "maintain", "--keep", "0")
    on_disk, known = files(shop.settings)
    assert on_disk == known
    assert marts(shop.settings) == marts(spared)


@pytest.mark.ci
def test_two_kills_change_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=2, seed=1)


def test_tables_of_a_run_that_kept_no_stamp_are_computed_whole(tmp_path: Path) -> None:
    """Its tables are there, built from what had landed by then, and nothing says how far."""
    shop = Pipeline(tmp_path / "shop")
    steps = [
        load(sku("a"), stock("02 08:00", "a", 1), view("02 10:00", "a"), view("02 10:00")),
        load(stock("03 08:00", "a", 0), view("03 10:00", "a"), view("03 10:00")),
    ]
    shop.deliver(steps[0])
    shop.load()
    shop.query("delete from twist.audit.watermarks")
    shop.deliver(steps[1])
    shop.load()
    assert differences(shop, referee(steps)) == []
    shop.close()


@pytest.mark.ci
def test_a_model_that_fails_leaves_every_mart_as_it_was_and_the_lines_loaded(
    tmp_path: Path,
) -> None:
    shop = Pipeline(tmp_path / "shop")
    steps = [
        load(sku("a"), stock("02 08:00", "a", 1), view("02 10:00", "a")),
        load(view("02 11:00", "a")),
    ]
    shop.run(steps[:1])
    before = marts(shop.settings)
    table = "alter table twist.marts.fct_twist_hourly"
    shop.query(f"{table} rename column views to other")
    shop.query(f"{table} add column views date")  # a count cannot be written to it
    shop.deliver(steps[1])
    with pytest.raises(DbtFailed, match="fct_twist_hourly"):
        shop.load()
    shop.query(f"{table} drop column views")
    shop.query(f"{table} rename column other to views")
    assert marts(shop.settings) == before, "fct_twist too, which was computed before it failed"
    assert shop.query("select count(*) from twist.staging.stg_clickstream__events") == [(2,)]
    shop.load()
    assert differences(shop, referee(steps)) == []
    shop.close()


@pytest.mark.long
def test_thirty_kills_change_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=30, seed=2)
