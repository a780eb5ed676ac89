"""The metric and its tables: the referee against examples computed by hand."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.harness import referee_marts
from tests.harness.given import after, load, lost, moment, parts, sku, stock, view
from tests.harness.referee import Settings, Step, referee
from tests.harness.referee_lines import Number

IN, OUT, UNKNOWN = (
    ("1.000000", "0.000000", "0.000000"),
    ("0.000000", "1.000000", "0.000000"),
    ("0.000000", "0.000000", "1.000000"),
)
A, B = sku("A"), sku("B")


def test_a_sku_view_is_in_stock_when_all_locations_together_hold_enough() -> None:
    levels = [stock("01 08:00", "A", 1, "DC"), stock("01 08:30", "A", 1, "S1")]
    views = [view("01 08:15", "A"), view("01 09:00", "A")]
    outcome = after(*levels, *views, settings=Settings(min_sellable_qty=2))
    assert parts(outcome) == [OUT, IN]
    assert [row["network_qty"] for row in outcome.marts["fct_twist"].values()] == [1, 2]
    assert parts(after(*levels, *views)) == [IN, IN]


def test_a_level_is_absolute_and_the_latest_one_holds() -> None:
    levels = [stock("01 08:00", "A", 5), stock("01 08:30", "A", 0)]
    assert parts(after(*levels, view("01 08:29:59", "A"), view("01 09:00", "A"))) == [IN, OUT]


def test_a_stock_change_at_the_instant_of_a_view_counts() -> None:
    levels = [stock("01 08:00", "A", 0), stock("01 09:00:00.000001", "A", 1)]
    views = [view("01 09:00", "A"), view("01 09:00:00.000001", "A")]
    assert parts(after(*levels, *views)) == [OUT, IN]


def test_at_one_instant_the_higher_partition_wins_then_the_higher_offset() -> None:
    lower = stock("01 08:00", "A", 3, partition=0, offset=900)
    tie = [stock("01 08:00", "A", 0, partition=1, offset=5), lower]
    assert parts(after(*tie, view("01 09:00", "A"))) == [OUT]
    tie = [stock("01 08:00", "A", 0, offset=901), stock("01 08:00", "A", 3, offset=900)]
    assert parts(after(*tie, view("01 09:00", "A"))) == [OUT]


def test_a_sku_without_stock_event_yet_is_unknown() -> None:
    outcome = after(A, stock("01 10:00", "A", 1), view("01 09:00", "A"))
    assert parts(outcome) == [UNKNOWN]
    assert [row["network_qty"] for row in outcome.marts["fct_twist"].values()] == [None]


def test_a_style_view_counts_the_share_of_the_size_curve_in_stock() -> None:
    curve = [sku("A", size_share=0.2), sku("B", size_share=0.3), sku("C", size_share=0.5)]
    levels = [stock("01 08:00", "A", 1), stock("01 08:00", "B", 0)]
    outcome = after(*curve, *levels, view("01 09:00"))
    assert parts(outcome) == [("0.200000", "0.300000", "0.500000")]
    assert lost(outcome) == {"B": "0.300000"}


@pytest.mark.parametrize("missing", [None, "", 0.0000004])
def test_a_sku_without_weight_makes_the_style_split_equally(missing: object) -> None:
    curve = [sku("A", size_share=0.9), sku("B", size_share=missing), sku("C", size_share=0.05)]
    levels = [stock("01 08:00", name, int(name == "A")) for name in "ABC"]
    assert lost(after(*curve, *levels, view("01 09:00"))) == {"B": "0.333333", "C": "0.333334"}


@pytest.mark.parametrize(
    ("share", "weight"),
    [("0.1234565", 123457), ("0.12345649999999999999999999", 123456), ("5e-7", 1), ("1", 1000000),
     ("0.00000049999999999999999999", 0), ("1e-999999999", 0), ("15e-7", 2), ("2.5E-1", 250000)],
)  # fmt: skip
def test_a_weight_is_the_share_as_written_rounded_half_up(share: str, weight: int) -> None:
    assert referee_marts.weight(Number(share).exact()) == weight


def test_weights_that_round_to_at_least_one_make_the_curve() -> None:
    curve = [sku("A", size_share=0.0000005), sku("B", size_share=0.0000015)]  # weights 1 and 2
    outcome = after(*curve, stock("01 08:00", "A", 0), view("01 09:00"))
    assert lost(outcome) == {"A": "0.333333"}


def test_shares_run_in_binary_order_of_the_sku_and_sum_to_one() -> None:
    curve = [sku("a"), sku("B"), sku("É")]  # B (0x42) < a (0x61) < É (0xC3…)
    levels = [stock("01 08:00", name, 0) for name in ("a", "B", "É")]
    outcome = after(*curve, *levels, view("01 09:00"))
    assert parts(outcome) == [OUT]
    assert lost(outcome) == {"B": "0.333333", "a": "0.333333", "É": "0.333334"}


def test_a_style_without_active_sku_is_unknown_but_an_inactive_sku_is_judged() -> None:
    outcome = after(
        sku("A", is_active=False),
        stock("01 08:00", "A", 1),
        view("01 09:00"),
        view("01 09:01", "A"),
    )
    assert parts(outcome) == [UNKNOWN, IN]


def test_lost_demand_is_own_views_and_shares_of_style_views_under_the_views_style() -> None:
    levels = [stock("01 08:00", "A", 0), stock("01 08:00", "B", 1)]
    views = [view("01 09:00", "A", style_id="other"), view("01 09:59:59.999999"), view("01 10:00")]
    outcome = after(A, B, *levels, *views)
    table = outcome.marts["fct_lost_demand_hourly"]
    assert {key: str(row["lost_views"]) for key, row in table.items()} == {
        (moment("01 09:00"), "other", "A"): "1.000000",
        (moment("01 09:00"), "shirt", "A"): "0.500000",
        (moment("01 10:00"), "shirt", "A"): "0.500000",
    }


def test_only_product_views_of_humans_are_rows_and_bots_are_found_anywhere_in_any_case() -> None:
    agents = ["GoogleBOT/2", "x" * 3000 + "spider", "HeadlessChrome", "", None, "Mozilla"]
    views = [view("01 09:00", user_agent=agent) for agent in agents]
    others = [view("01 09:00", event_type=name) for name in ("search", "PRODUCT_VIEW")]
    outcome = after(*views, *others)
    assert (outcome.loaded, len(outcome.marts["fct_twist"])) == (8, 3)
    settings = Settings(bot_patterns=("mozilla",))
    assert len(after(*views, settings=settings).marts["fct_twist"]) == 5


def test_the_smallest_position_of_an_events_copies_counts_though_it_came_last() -> None:
    copies = [stock("01 08:00", "A", 0, event_id="e", offset=offset) for offset in (99, 10)]
    other, seen = stock("01 08:00", "A", 5, offset=50), view("01 09:00", "A")
    assert parts(referee([load(copies[0], other, seen)])) == [OUT]
    assert parts(referee([load(copies[0], other, seen), load(copies[1])])) == [IN]


def test_a_replayed_event_takes_its_place_once_and_object_counts_stay() -> None:
    lines = [stock("01 08:00", "A", 0, arrival="09 00:00"), stock("02 08:00", "A", 1)]
    lines += [view("01 09:00", "A"), view("02 09:00", "A")]
    assert parts(after(*lines)) == [UNKNOWN, IN]
    outcome = referee([load(*lines), "replay", "replay"])
    assert parts(outcome) == [OUT, IN]
    assert (outcome.loaded, outcome.replayed, len(outcome.late)) == (3, 1, 1)


def test_a_replayed_copy_is_not_staged_again_but_its_position_competes() -> None:
    first = stock("01 08:00", "A", 0, event_id="e", offset=99)
    late = stock("01 08:00", "A", 0, event_id="e", offset=10, arrival="09 00:00")
    other = stock("01 08:00", "A", 5, offset=50)
    steps: list[Step] = [load(first, late, other, view("01 09:00", "A"))]
    assert parts(referee(steps)) == [OUT]
    outcome = referee([*steps, "replay"])
    assert (parts(outcome), outcome.replayed) == ([IN], 0)


def test_a_catalog_row_counts_from_its_arrival_less_late_days_or_its_own_later_day() -> None:
    row = sku("A", "01 00:00", arrival="05 12:00")
    lines = [row, stock("01 00:00", "A", 1), view("01 09:00"), view("02 00:00")]
    assert parts(after(*lines)) == [UNKNOWN, IN]
    assert parts(after(sku("A", "02 00:05", arrival="01 23:58"), *lines[1:])) == [UNKNOWN, IN]


def test_a_moved_sku_follows_its_newest_row_that_counts_by_the_day() -> None:
    rows = [sku("A", "02 12:00", style_id="dress"), sku("A", "01 00:00")]
    lines = [*rows, stock("01 00:00", "A", 1), view("01 09:00"), view("02 09:00")]
    assert parts(after(*lines)) == [IN, UNKNOWN]
    tie = [sku("A", offset=9, style_id="dress"), sku("A", offset=8)]
    assert after(*tie).marts["dim_sku"]["A",]["style_id"] == "dress"


def test_the_fact_has_one_row_a_view_and_defaults_to_ship() -> None:
    outcome = after(
        view("01 09:59:59.5", event_id="v", store_id="S1", session_id="", visitor_id="me")
    )
    assert outcome.marts["fct_twist"] == {
        (date(2026, 11, 1), "v"): {
            "view_ts": moment("01 09:59:59.5"), "view_hour": moment("01 09:00"),
            "style_id": "shirt", "sku_id": None, "channel": "web", "fulfilment": "ship",
            "store_id": "S1", "session_id": None, "visitor_id": "me", "in_stock_share": 0,
            "out_of_stock_share": 0, "unknown_share": 1, "network_qty": None, "store_share": None,
        }
    }  # fmt: skip


def test_a_pickup_view_meets_the_shelf_of_its_store_and_the_rest_is_elsewhere_or_nowhere() -> None:
    curve = [sku("A", size_share=0.2), sku("B", size_share=0.3), sku("C", size_share=0.1),
             sku("D", size_share=0.4)]  # fmt: skip
    levels = [stock("01 08:00", "A", 2, "S1"), stock("01 08:00", "B", 1, "DC"),
              stock("01 08:00", "B", -1, "S1"), stock("01 08:00", "C", 0, "S1")]  # fmt: skip
    asked: Any = {"fulfilment": "pickup", "store_id": "S1"}
    views = [view("01 09:00", **asked), view("01 09:10", "A", **asked), view("01 09:20"),
             view("01 09:30", "B", **{**asked, "store_id": "S9"}),
             view("01 09:40", fulfilment="pickup")]  # fmt: skip
    marts = after(*curve, *levels, *views).marts
    shares = [row["store_share"] for row in marts["fct_twist"].values()]
    assert shares == [Decimal("0.2"), 1, None, 0, None]
    hourly = marts["fct_pickup_hourly"]
    assert {key[1:]: list(map(str, row.values())) for key, row in hourly.items()} == {
        ("S1", "shirt", ""): ["1", "0.200000", "0.300000", "0.100000", "0.400000"],
        ("S1", "shirt", "A"): ["1", "1.000000", "0.000000", "0.000000", "0.000000"],
        ("S9", "shirt", "B"): ["1", "0.000000", "1.000000", "0.000000", "0.000000"],
    }
    wanted = marts["fct_transfer_demand_hourly"]
    assert {key[1:]: str(row["wanted_views"]) for key, row in wanted.items()} == {
        ("S1", "shirt", "B"): "0.300000", ("S9", "shirt", "B"): "1.000000",
    }  # fmt: skip


def test_a_store_needs_enough_pieces_and_so_does_the_network() -> None:
    lines = [stock("01 08:00", "A", 2, "S1"),
             view("01 09:00", "A", fulfilment="pickup", store_id="S1")]  # fmt: skip
    for least, sellable, expected in ((2, 1, 1), (3, 1, 0), (1, 2, 1), (1, 3, 0)):
        rules = Settings(min_pickup_qty=least, min_sellable_qty=sellable)
        (row,) = after(*lines, settings=rules).marts["fct_twist"].values()
        assert row["store_share"] == expected


def test_hourly_rows_add_up_by_style_sku_and_channel() -> None:
    levels = [stock("01 08:00", "A", 1)]
    views = [view("01 09:00", "A"), view("01 09:30", "A"), view("01 09:40"), view("01 10:00", "A")]
    table = after(A, B, *levels, *views).marts["fct_twist_hourly"]
    nine, ten = moment("01 09:00"), moment("01 10:00")
    assert {key: list(map(str, row.values())) for key, row in table.items()} == {
        (nine, "shirt", "A", "web"): ["2", "2.000000", "0.000000", "0.000000"],
        (nine, "shirt", "", "web"): ["1", "0.500000", "0.000000", "0.500000"],
        (ten, "shirt", "A", "web"): ["1", "1.000000", "0.000000", "0.000000"],
    }


def test_daily_attributes_are_the_skus_else_of_the_styles_smallest_sku_else_empty() -> None:
    rows = [sku("B", brand="Bee"), sku("A", brand="Ant", is_active=False), sku("Z", style_id="z")]
    views = [view("01 09:00", "B"), view("01 09:00", "?"), view("01 09:00"), view("01 09:00", "Z"),
             view("01 09:00", style_id="?")]  # fmt: skip
    table = after(*rows, *views).marts["twist_daily"]
    assert {key[1]: row["views"] for key, row in table.items()} == {"Bee": 1, "Ant": 2, "": 2}


def test_the_daily_rate_is_divided_last_and_null_when_nothing_is_known() -> None:
    levels = [stock("01 08:00", "A", 1), stock("01 08:00", "B", 0)]
    views = [view("01 09:00", name) for name in "AAB?"] + [view("02 09:00", "?")]
    table = after(*levels, *views).marts["twist_daily"]
    assert [row["twist_rate"] for row in table.values()] == [Fraction(2, 3), None]


def test_stock_daily_has_levels_above_zero_before_every_open_day_but_the_first() -> None:
    levels = [stock("01 08:00", "A", 4, "DC"), stock("01 08:00", "A", 0, "S1")]
    levels += [stock("01 08:00", "B", 0), stock("03 00:00", "B", 2), stock("03 00:00", "C", 1)]
    bot, search = view("04 09:00", user_agent="bot"), view("05 09:00", event_type="search")
    table = after(*levels, bot, search, view("06 09:00"), sku("D")).marts["stock_daily"]
    third, sixth = date(2026, 11, 3), date(2026, 11, 6)
    assert {key: row["available_qty"] for key, row in table.items()} == {
        (third, "A", "DC"): 4, (third, "B", ""): 0,
        (sixth, "A", "DC"): 4, (sixth, "B", "DC"): 2, (sixth, "C", "DC"): 1,
    }  # fmt: skip


def test_a_stock_out_lasts_over_midnight_to_its_return_and_is_the_networks() -> None:
    levels = [stock("01 08:00", "A", 0, reason="count"), stock("01 09:00", "A", 3, reason="in"),
              stock("01 20:00", "A", 0, reason="sale"), stock("01 21:00", "A", 0, "S1"),
              stock("02 06:00", "A", 1, "S1", reason="return")]  # fmt: skip
    views = [view("01 22:00", "A"), view("02 05:00", "A"), view("02 07:00", "A")]
    stockouts = after(A, *levels, *views).marts["fct_stockouts"]
    assert {key: tuple(row.values())[:6] for key, row in stockouts.items()} == {
        ("A", moment("01 08:00")): (moment("01 09:00"), "first_known", "in", None, 3600, 0),
        ("A", moment("01 20:00")): (moment("02 06:00"), "sale", "return", 3, 36_000, 2),
    }


def test_lost_views_cost_what_the_style_sold_a_view_in_stock_and_nothing_without_a_price() -> None:
    catalog = [sku("A", price=19.9, currency="EUR"), sku("B")]
    past = [stock("01 08:00", "A", 1), view("01 09:00", "A"), view("01 09:01", "A"),
            view("01 09:02", "A", event_type="purchase", quantity=1)]  # fmt: skip
    lost_later = [stock("02 08:00", name, 0) for name in "AB"]
    lost_later += [view("02 09:00", name) for name in "AB"]
    rules = Settings(conversion_min_units=1)
    sales = after(*catalog, *past, *lost_later, settings=rules).marts["lost_sales_hourly"]
    money = ("conversion_level", "lost_units", "lost_revenue")
    assert {key[2]: tuple(row[name] for name in money) for key, row in sales.items()} == {
        "A": ("style", Decimal("0.5"), Decimal("9.95")), "B": ("style", Decimal("0.5"), None),
    }  # fmt: skip
    assert {
        row["conversion_level"]
        for row in after(*catalog, *past, *lost_later).marts["lost_sales_hourly"].values()
    } == {None}, "30 units are asked for"


def test_the_dimensions_hold_the_current_row_and_the_locations_seen() -> None:
    rows = [sku("A", "02 00:00", price=19.9, size_share=0.25), sku("A", "01 00:00", brand="old")]
    marts = after(*rows, stock("01 09:00", "A", 1, "S1"), stock("01 09:00", "A", 1, "DC")).marts
    assert marts["dim_sku"]["A",]["price"] == Decimal("19.9")
    assert (marts["dim_sku"]["A",]["brand"], len(marts["dim_sku"])) == (None, 1)
    assert set(marts["dim_location"]) == {("S1",), ("DC",)}
