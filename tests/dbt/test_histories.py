"""Loads may come in any portions; and the histories hold everything that the contract speaks of."""

from decimal import Decimal
from functools import cache
from random import Random

import pytest

from ingestion.landing import folder_hour
from tests.dbt.histories import SLACK_HOURS, History, history, merged, split
from tests.dbt.oracle import Delivery, Outcome, referee
from tests.dbt.random_shop import HOUR

SEEDS = range(40)


def judged(given: History) -> Outcome:
    return referee(given.steps, given.settings)


@cache
def of(seed: int) -> Outcome:
    return judged(history(seed))


def objects(given: History) -> list[Delivery]:
    return [delivery for step in given.steps if step != "replay" for delivery in step]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_outcome_does_not_depend_on_how_the_deliveries_fall_into_loads(seed: int) -> None:
    given = history(seed)
    outcome = of(seed)
    for other in (split(given, Random(seed)), split(given, Random(-1 - seed)), merged(given)):
        again = judged(other)
        assert again.marts == outcome.marts
        assert (again.loaded, again.replayed) == (outcome.loaded, outcome.replayed)
        assert again.quarantined_distinct == outcome.quarantined_distinct
        assert again.late_positions == outcome.late_positions


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
    return sum((Decimal(str(row[column])) for row in outcome.marts[table].values()), Decimal(0))


def test_a_seed_gives_one_history_and_a_split_keeps_its_deliveries_and_their_versions() -> None:
    for seed in SEEDS:
        given = history(seed)
        assert given == history(seed)
        other = split(given, Random(seed))
        by_key = [sorted(objects(each), key=lambda o: o.key) for each in (given, other)]
        assert by_key[0] == by_key[1]  # sorting is stable: a key's versions keep their order
        for step in [*given.steps, *other.steps]:
            assert step == "replay" or len({each.key for each in step}) == len(step)


def test_folders_lie_within_the_slack_that_lists_them_all() -> None:
    hours = {folder_hour(each.key) for seed in SEEDS for each in objects(history(seed))}
    known = [hour for hour in hours if hour is not None]
    assert len(known) == len(hours)
    assert max(known) - min(known) <= SLACK_HOURS * HOUR


def test_a_few_histories_hold_everything_that_can_become_of_lines_and_views() -> None:
    outcomes = [of(seed) for seed in SEEDS]
    reasons = {line.reason for outcome in outcomes for line in outcome.quarantined}
    assert reasons == {"not_json", "no_position", "schema", "future"}
    states = {each.status for outcome in outcomes for each in outcome.objects.values()}
    assert states == {"loaded", "unreadable"}
    assert sum(len(outcome.late) for outcome in outcomes) > sum(o.replayed for o in outcomes) > 0
    views = [view for outcome in outcomes for view in outcome.marts["fct_twist"].values()]
    kinds = {
        (view["sku_id"] is None, view["in_stock_share"] != 0, view["unknown_share"] != 0)
        for view in views
    }
    assert kinds == {
        *((False, *each) for each in ((True, False), (False, False), (False, True))),
        *((True, *each) for each in ((True, False), (False, False), (False, True), (True, True))),
    }
