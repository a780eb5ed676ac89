"""Any history, in any grouping into loads, gives what the referee computes in plain Python.

Histories are packed, 38 into one lake, for a load costs seconds whatever its size. The three
groupings of a pack are three warehouses: as it happened, split in another way, and one load of
everything into an empty warehouse (the plain create path: the rendering without increments).
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.harness.given import load, sku, stock, view
from tests.harness.histories import History, merged, packed, split
from tests.harness.pipeline import Pipeline, differences
from tests.harness.referee import Settings, referee

CASES_IN_A_PACK = 38
S1: Any = {"fulfilment": "pickup", "store_id": "S1"}
LONG_PACKS = 8
"""304 histories, each in three groupings."""


@pytest.fixture
def pipeline_of(tmp_path: Path) -> Iterator[list[Pipeline]]:
    opened: list[Pipeline] = []
    yield opened
    for pipeline in opened:
        pipeline.remove()


def check(history: History, root: Path, opened: list[Pipeline], batch_mb: int = 64) -> None:
    pipeline = Pipeline(root, history.settings, batch_mb=batch_mb)
    opened.append(pipeline)
    pipeline.run(history.steps)
    found = differences(pipeline, referee(history.steps, history.settings))
    assert not found, "\n".join([f"{len(found)} differences", *found[:20]])


def pack(number: int, loads: int = 6) -> History:
    return packed(range(number * CASES_IN_A_PACK, (number + 1) * CASES_IN_A_PACK), loads)


def test_incremental_loads_equal_the_referee(tmp_path: Path, pipeline_of: list[Pipeline]) -> None:
    check(pack(1000, loads=4), tmp_path / "happened", pipeline_of)


def test_one_load_of_everything_equals_the_referee(
    tmp_path: Path, pipeline_of: list[Pipeline]
) -> None:
    check(merged(pack(1000, loads=4)), tmp_path / "merged", pipeline_of)


def test_what_comes_late_to_moments_that_were_judged_already_is_put_right(
    tmp_path: Path, pipeline_of: list[Pipeline]
) -> None:
    first = load(
        sku("a"), sku("b"), stock("02 08:00", "a", 1), stock("02 08:00", "b", 0),
        view("02 10:00"), view("02 10:00", "a"),
        sku("t", style_id="tied"), stock("02 08:00", "t", 5, offset=9010),
        stock("02 08:00", "t", 0, event_id="copied", offset=9020),
        view("02 10:00", "t", style_id="tied"),
        sku("i", style_id="instant"), stock("02 08:00", "i", 3), stock("02 09:00", "i", 4),
        view("02 10:00", "i", style_id="instant"),
        view("02 10:30", **S1),
        sku("p", style_id="swapped"), sku("q", style_id="swapped"),
        stock("02 08:00", "p", 1), stock("02 08:00", "q", 1), stock("02 08:00", "p", 1, "S1"),
        view("02 10:00", style_id="swapped", **S1),
        sku("r", style_id="received"), stock("02 08:00", "r", 1),
        view("02 10:00", style_id="received", **S1), view("04 10:00", style_id="received", **S1),
        sku("g", style_id="gone"), stock("02 08:00", "g", 1),
        view("02 14:00", style_id="gone", **S1),
    )  # fmt: skip
    later = load(
        # two SKUs swap before the view: the style's share stays, another SKU is what it lost
        stock("02 09:00", "a", 0), stock("02 09:00", "b", 1),
        # a copy with a smaller position: of two events at one instant the other one holds now
        stock("02 08:00", "t", 0, event_id="copied", offset=9005),
        # at the very instant of a change that was loaded before, elsewhere
        stock("02 09:00", "i", 2, "store"),
        # the store now holds one SKU in the place of another of equal share
        stock("02 09:00", "p", 0, "S1"), stock("02 09:00", "q", 1, "S1"),
        # a piece comes to the store, and the network had some anyway
        stock("02 09:00", "r", 1, "S1"),
    )  # fmt: skip
    # all that a run computes again is gone: the only SKU of the only view was not to be had
    last = load(stock("02 13:00", "g", 0))
    check(History((), Settings(), [first, later, last]), tmp_path / "late", pipeline_of)


@pytest.mark.long
@pytest.mark.parametrize("number", range(LONG_PACKS))
@pytest.mark.parametrize("grouping", ["happened", "split", "merged"])
def test_hundreds_of_histories_equal_the_referee_in_any_grouping(
    number: int, grouping: str, tmp_path: Path, pipeline_of: list[Pipeline]
) -> None:
    history = pack(number)
    if grouping == "split":
        history = split(history, Random(number))
    elif grouping == "merged":
        history = merged(history)
    check(history, tmp_path / grouping, pipeline_of)


@pytest.mark.ci
def test_a_bag_of_a_day_without_views_takes_nothing_from_a_business_day_that_began_before_it(
    tmp_path: Path, pipeline_of: list[Pipeline]
) -> None:
    rules = Settings(time_zone="Pacific/Auckland")
    steps = [
        load(sku("a", brand="b"), stock("01 08:00", "a", 1), view("01 20:00", "a")),
        load(view("02 01:00", "a", event_type="add_to_bag")),
    ]
    pipeline = Pipeline(tmp_path / "shop", rules)
    pipeline_of.append(pipeline)
    pipeline.run(steps)
    assert differences(pipeline, referee(steps, rules)) == []


@pytest.mark.ci
def test_an_exception_may_join_a_bots_pattern_and_a_billion_is_a_price(
    tmp_path: Path, pipeline_of: list[Pipeline]
) -> None:
    rules = Settings(bot_exceptions=("foo",))
    catalog = sku("a", price=1_000_000_000, currency="EUR")
    views = view("02 10:00", "a", user_agent="bofoot"), view("02 10:00", "a", user_agent="fox")
    steps = [load(catalog, stock("02 08:00", "a", 1), *views)]
    pipeline = Pipeline(tmp_path / "shop", rules)
    pipeline_of.append(pipeline)
    pipeline.run(steps)
    assert differences(pipeline, referee(steps, rules)) == []
