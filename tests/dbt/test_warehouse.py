"""A warehouse is made by the first load that finds none, and is never taken for another one."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.warehouse.dbt_runner import DbtFailed
from tests.harness.minute_lines import landed, view
from tests.harness.pipeline import Pipeline

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Pipeline]:
    """One view loaded; then the warehouse is another, empty one, to whose catalog a file system may
    give the inode of the one that was removed.
    """
    made = Pipeline(tmp_path / "shop", slack_hours=2)
    made.deliver(landed(NOW, view(NOW)))
    assert made.load().loaded == 1
    made.close()
    catalog = made.settings.warehouse_root / "catalog.sqlite"
    os.truncate(catalog, 0)
    shutil.rmtree(catalog.parent / "data")
    for leftover in catalog.parent.glob("catalog.sqlite-*"):
        leftover.unlink()
    yield made
    made.close()


def test_a_warehouse_in_place_of_a_removed_one_is_made_anew(emptied: Pipeline) -> None:
    assert emptied.load().loaded == 1, "again: nothing is known of the first time"


def test_models_alone_do_not_make_it_and_say_what_does(emptied: Pipeline) -> None:
    with pytest.raises(DbtFailed, match="has no tables yet: run `make load`"):
        emptied.dbt.run("run", "--select", "stg_clickstream__events")


@pytest.mark.ci
def test_two_warehouses_in_one_process_are_kept_apart(tmp_path: Path) -> None:
    one, two = Pipeline(tmp_path / "one", slack_hours=2), Pipeline(tmp_path / "two", slack_hours=2)
    before = dict(os.environ)
    for views, shop in ((1, one), (2, two), (3, one)):
        shop.deliver(landed(NOW, *(view(NOW) for _ in range(views))))
        assert shop.load().loaded == views, "while the other one's connection is open"
    views_of = "select count(*) from twist.marts.fct_twist"
    assert [shop.query(views_of) for shop in (one, two)] == [[(4,)], [(2,)]]
    assert dict(os.environ) == before, "the settings of neither stay in the environment"
    one.close()
    two.close()
