"""Loads may come in any portions; and the histories hold everything that the contract speaks of."""

from collections import Counter
from decimal import Decimal
from functools import cache
from operator import attrgetter
from random import Random

import pytest

from ingestion.lake.object_keys import folder_hour
from tests.harness.histories import SLACK_HOURS, History, alone, history, merged, packed, split
from tests.harness.random_shop import HOUR, PARTITIONS
from tests.harness.referee import Delivery, Outcome, referee
from tests.harness.referee_marts import Mart

SEEDS = range(40)
PACKS = [range(5), range(5, 9), range(9, 12), range(12, 20)]
SHARED = ("lost_sales_hourly", "dim_hour")
"""Members share their categories, whose conversion may be used, and their hours."""
WITHOUT_STYLE = ("fct_conversion_daily", "dim_product", "dim_product_history")
"""Members share the style `''`, of events of SKUs that no catalog knows."""


def judged(given: History) -> Outcome:
    return referee(given.steps, given.settings)


@cache
def of(seed: int) -> Outcome:
    return judged(history(seed))


def objects(given: History) -> list[Delivery]:
    return [delivery for step in given.steps if step != "replay" for delivery in step]


def check_groupings(given: History, outcome: Outcome, seed: int) -> None:
    if outcome.conflicts:
        return  # of copies that differ the first one loaded counts
    for other in (split(given, Random(seed)), split(given, Random(-1 - seed)), merged(given)):
        again = judged(other)
        assert again.marts == outcome.marts
        assert (again.loaded, again.replayed) == (outcome.loaded, outcome.replayed)
        assert again.quarantined_distinct == outcome.quarantined_distinct
        assert again.late_positions == outcome.late_positions


@pytest.mark.parametrize("seed", SEEDS)
def test_the_outcome_does_not_depend_on_how_the_deliveries_fall_into_loads(seed: int) -> None:
    check_groupings(history(seed), of(seed), seed)


@pytest.mark.parametrize("seeds", PACKS)
def test_nor_does_that_of_a_pack_in_which_each_member_becomes_what_it_is_alone(
    seeds: range,
) -> None:
    pack = packed(seeds)
    outcome = judged(pack)
    check_groupings(pack, outcome, seeds.start)
    members = [judged(alone(pack, member)) for member in range(len(seeds))]
    for member, its in enumerate(members):
        for name in outcome.marts.keys() - {"twist_daily", "stock_daily", *SHARED}:
            own = of_member(its.marts[name], member) if name in WITHOUT_STYLE else its.marts[name]
            assert of_member(outcome.marts[name], member) == own, name
        stock = of_member(outcome.marts["stock_daily"], member)
        assert its.marts["stock_daily"].items() <= stock.items()  # others may open more days
        positions = {p for p in outcome.late_positions if p.partition % PARTITIONS == member}
        assert positions == its.late_positions
    for column in ("views", "in_stock_views", "out_of_stock_views", "unknown_views"):
        daily = Counter[object]()
        for its in members:
            daily.update(
                {key: number(row[column]) for key, row in its.marts["twist_daily"].items()}
            )
        expected = {key: row[column] for key, row in outcome.marts["twist_daily"].items()}
        assert daily == expected
    assert outcome.loaded == sum(its.loaded for its in members)
    assert outcome.replayed == sum(its.replayed for its in members)
    lines = [line for its in members for line in its.quarantined_distinct]
    assert outcome.quarantined_distinct == set(lines)


def of_member(mart: Mart, member: int) -> Mart:
    """The rows of which an id has the member's mark."""
    return {
        key: row
        for key, row in mart.items()
        if any(isinstance(part, str) and part.startswith(f"{member}.") for part in key)
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_measures_and_counts_add_up(seed: int) -> None:
    outcome = of(seed)
    views = outcome.marts["fct_twist"].values()
    lost = outcome.marts["fct_lost_demand_hourly"].values()
    for table in ("fct_twist_hourly", "twist_daily"):
        assert total(outcome, table, "views") == len(views)
        for part in ("in_stock", "out_of_stock", "unknown"):
            shares = [str(view[f"{part}_share"]) for view in views]
            assert total(outcome, table, f"{part}_views") == sum(map(Decimal, shares))
    assert sum(Decimal(str(row["lost_views"])) for row in lost) == total(
        outcome, "fct_twist_hourly", "out_of_stock_views"
    )
    for each in outcome.objects.values():
        assert each.lines == each.loaded + each.duplicates + each.late + each.quarantined


def total(outcome: Outcome, table: str, column: str) -> Decimal:
    return sum((number(row[column]) for row in outcome.marts[table].values()), Decimal(0))


def number(value: object) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize("given", [*map(history, SEEDS), *map(packed, PACKS)])
def test_a_split_has_the_same_deliveries_in_few_loads(given: History) -> None:
    key_of = attrgetter("key")
    for other in (given, split(given, Random(given.seeds[0]))):
        assert sorted(objects(other), key=key_of) == sorted(objects(given), key=key_of)
        loads = [step for step in other.steps if step != "replay"]
        assert len(loads) <= 10
        for load in loads:
            assert len({each.key for each in load}) == len(load)


def test_a_seed_gives_one_history() -> None:
    assert history(7) == history(7) != history(8)
    assert packed([7, 8]) == packed(range(7, 9)) != packed([8, 7])


def test_a_pack_has_about_as_many_steps_as_one_history() -> None:
    for seed in range(10):
        steps = packed(range(seed, seed + 3)).steps
        assert 5 <= len(steps) - steps.count("replay") <= 6
        assert steps.count("replay") <= 2


def test_folders_lie_within_the_slack_that_lists_them_all() -> None:
    given = [*map(history, SEEDS), *map(packed, PACKS)]
    hours = {folder_hour(each.key) for one in given for each in objects(one)}
    known = [hour for hour in hours if hour is not None]
    assert len(known) == len(hours)
    assert max(known) - min(known) <= SLACK_HOURS * HOUR


def test_a_few_histories_hold_everything_that_can_become_of_lines_and_views() -> None:
    outcomes = [of(seed) for seed in SEEDS]
    reasons = {line.reason for outcome in outcomes for line in outcome.quarantined}
    assert reasons == {"not_json", "no_position", "schema", "future"}
    states = {each.status for outcome in outcomes for each in outcome.objects.values()}
    assert states == {"loaded", "unreadable"}
    assert 0.1 < sum(bool(outcome.conflicts) for outcome in outcomes) / len(outcomes) < 0.4
    assert sum(len(outcome.late) for outcome in outcomes) > sum(o.replayed for o in outcomes) > 0
    views = [view for outcome in outcomes for view in outcome.marts["fct_twist"].values()]
    kinds = {
        (view["sku_id"] is None, view["in_stock_share"] != 0, view["unknown_share"] != 0)
        for view in views
    }
    pickups = [view for view in views if view["store_share"] is not None and view["in_stock_share"]]
    found = {(view["sku_id"] is None, view["store_share"] == view["in_stock_share"],
              view["store_share"] != 0) for view in pickups}  # fmt: skip
    assert found == {(False, True, True), (False, False, False),
                     (True, True, True), (True, False, False), (True, False, True)}  # fmt: skip
    assert kinds == {
        *((False, *each) for each in ((True, False), (False, False), (False, True))),
        *((True, *each) for each in ((True, False), (False, False), (False, True), (True, True))),
    }
