"""The simulated retailer: its traffic, its sizes and its stock."""

import csv
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import ROOT
from ingestion.simulation.retailer.config import RetailerConfig
from ingestion.simulation.retailer.places import COLUMNS, location_rows
from ingestion.simulation.simulator import write_landing
from tests.harness.landed_lines import BUSY, SMALL, Line, instant, is_bot, read


def of_topic(lines: list[Line], topic: str) -> list[dict[str, Any]]:
    return [line.event for line in lines if line.topic == topic]


def test_product_views_are_as_many_as_asked_and_bots_make_their_share(clean: list[Line]) -> None:
    views = [e for e in of_topic(clean, "clickstream") if e["event_type"] == "product_view"]
    assert len(views) == SMALL.views
    assert sum(map(is_bot, views)) == round(SMALL.views * SMALL.bot_views)
    assert sum("sku_id" in view for view in views) / len(views) == pytest.approx(0.4, abs=0.04)
    assert {view["channel"] for view in views} == {"web", "app", "store-kiosk"}


def test_the_day_peaks_in_the_evening(clean: list[Line]) -> None:
    hours = Counter(instant(e["event_ts"]).hour for e in of_topic(clean, "clickstream"))
    assert hours.most_common(1)[0][0] in (19, 20, 21)
    assert hours[20] > 4 * hours[3]


def test_few_styles_have_most_of_the_traffic(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    styles = Counter(e["style_id"] for e in clicks if e["event_type"] == "product_view")
    assert sum(n for _, n in styles.most_common(5)) > 0.35 * SMALL.views
    assert len(styles) == SMALL.styles


def test_a_session_is_the_visit_of_one_visitor_in_one_channel(clean: list[Line]) -> None:
    sessions = defaultdict(list)
    for event in of_topic(clean, "clickstream"):
        sessions[event["session_id"]].append(event)
    same = ("visitor_id", "channel", "user_agent", "fulfilment", "store_id")
    for found in sessions.values():
        assert len({tuple(event.get(name) for name in same) for event in found}) == 1
    assert sum(len(found) > 1 for found in sessions.values()) > len(sessions) / 2
    assert len({found[0]["visitor_id"] for found in sessions.values()}) < len(sessions)


def test_a_purchase_was_in_the_bag_before(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    bags = {
        (e["session_id"], e["sku_id"]): e["event_ts"]
        for e in reversed(clicks)
        if e["event_type"] == "add_to_bag"
    }
    purchases = [e for e in clicks if e["event_type"] == "purchase"]
    assert purchases
    for e in purchases:
        assert bags[e["session_id"], e["sku_id"]] <= e["event_ts"]
    assert {e["event_type"] for e in clicks} == {
        "product_view", "add_to_bag", "purchase", "search", "page_view",
    }  # fmt: skip


def test_a_pickup_names_a_store_and_nothing_else_does(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    assert {e["fulfilment"] for e in clicks} == {"ship", "pickup"}
    for event in clicks:
        assert (event["fulfilment"] == "pickup") == ("store_id" in event)
        assert event.get("store_id", "store-").startswith("store-")


def test_the_sizes_of_a_style_share_its_demand(clean: list[Line]) -> None:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for row in of_topic(clean, "product_catalog"):
        shares[row["style_id"]][row["sku_id"]] = row["size_share"]
    assert len(shares) == SMALL.styles
    for found in shares.values():
        assert sum(found.values()) == pytest.approx(1, abs=0.005)


def test_some_skus_are_no_longer_offered_and_some_prices_fall(tmp_path: Path) -> None:
    config = replace(SMALL, views=100, styles=120)
    write_landing(config, tmp_path)
    rows = of_topic(read(tmp_path), "product_catalog")
    inactive = {row["sku_id"] for row in rows if not row["is_active"]}
    assert 0 < len(inactive) < 0.1 * len(rows)
    prices = defaultdict(list)
    for row in sorted(rows, key=lambda row: str(row["event_ts"])):
        prices[row["sku_id"]].append(row["price"])
    cheaper = [found for found in prices.values() if len(found) > 1]
    assert cheaper
    assert all(found[0] > found[1] for found in cheaper)


def test_every_sku_is_counted_first_wherever_it_is_carried(clean: list[Line]) -> None:
    skus = {row["sku_id"] for row in of_topic(clean, "product_catalog")}
    changes = of_topic(clean, "sku_availability")
    counts = [e for e in changes if e["reason"] == "count"]
    places = {(e["sku_id"], e["location_id"]) for e in counts}
    assert {instant(e["event_ts"]) for e in counts} == {SMALL.start}
    assert {sku for sku, _ in places} == skus
    assert len(places) == len(counts) < len(skus) * SMALL.locations / 2
    assert {(e["sku_id"], e["location_id"]) for e in changes} == places


def levels_in_time(lines: list[Line]) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Stock changes in order of time, each with the step it is for its slot, and with what the
    whole network holds of its SKU then.
    """
    slots: dict[tuple[str, str], int] = {}
    network: Counter[str] = Counter()
    changes = of_topic(lines, "sku_availability")
    for event in sorted(changes, key=lambda e: (e["event_ts"], e["_partition"], e["_offset"])):
        slot = event["sku_id"], event["location_id"]
        step = event["available_qty"] - slots.get(slot, 0)
        slots[slot] = event["available_qty"]
        network[event["sku_id"]] += step
        yield event, step, network[event["sku_id"]]


def test_a_sale_takes_few_pieces_and_stock_is_never_negative(clean: list[Line]) -> None:
    reasons = Counter[str]()
    for event, step, network in levels_in_time(clean):
        reasons[event["reason"]] += 1
        assert event["available_qty"] >= 0
        assert network >= 0
        if event["reason"] in ("sale", "return"):
            assert step in ((-1, -2, -3) if event["reason"] == "sale" else (1,))
        elif event["reason"] == "receipt":
            assert step > 0
    assert set(reasons) == {"count", "sale", "return", "receipt"}


def test_a_purchase_takes_pieces_that_were_there(clean: list[Line]) -> None:
    sold = Counter[tuple[str, str]]()
    for event, step, _ in levels_in_time(clean):
        if event["reason"] == "sale":
            sold[event["sku_id"], event["event_ts"][:23]] -= step
    bought = Counter[tuple[str, str]]()
    for event in of_topic(clean, "clickstream"):
        if event["event_type"] == "purchase":
            bought[event["sku_id"], event["event_ts"][:23]] += event["quantity"]
    assert bought
    assert all(sold[place] >= pieces for place, pieces in bought.items())


def test_a_purchase_has_one_to_three_pieces_and_the_order_of_its_visit(busy: list[Line]) -> None:
    orders: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in of_topic(busy, "clickstream"):
        assert ("order_id" in event) == (event["event_type"] == "purchase")
        assert ("quantity" in event) == (event["event_type"] in ("add_to_bag", "purchase"))
        if event["event_type"] == "purchase":
            orders[event["order_id"]].append(event)
    pieces = Counter(event["quantity"] for found in orders.values() for event in found)
    assert set(pieces) == {1, 2, 3}
    assert pieces[1] > 0.8 * pieces.total()
    assert all(len({event["session_id"] for event in found}) == 1 for found in orders.values())
    assert {len(found) for found in orders.values()} > {1}


def test_stock_changes_of_one_slot_never_happen_at_one_instant(clean: list[Line]) -> None:
    found = Counter(
        (e["sku_id"], e["location_id"], e["event_ts"]) for e in of_topic(clean, "sku_availability")
    )
    assert set(found.values()) == {1}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    root = tmp_path_factory.mktemp("busy")
    write_landing(BUSY, root)
    return read(root)


def test_stock_changes_are_about_as_many_as_asked(busy: list[Line]) -> None:
    changes = sum(e["reason"] != "count" for e in of_topic(busy, "sku_availability"))
    assert changes == pytest.approx(BUSY.stock_changes * BUSY.views, rel=0.15)


def test_popular_sizes_run_out_first(busy: list[Line]) -> None:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for row in of_topic(busy, "product_catalog"):
        if row["is_active"]:
            shares[row["style_id"]][row["sku_id"]] = row["size_share"]
    ran_out = {e["sku_id"] for e, _, network in levels_in_time(busy) if not network}
    ends = [sorted(sizes, key=sizes.__getitem__) for sizes in shares.values() if len(sizes) > 4]
    # Tiny sizes sell so little that they end up with no stock as well: rank 1, not 0, is compared.
    popular = sum(sizes[-1] in ran_out for sizes in ends)
    rare = sum(sizes[1] in ran_out for sizes in ends)
    assert popular > rare


def test_some_demand_meets_empty_shelves(busy: list[Line]) -> None:
    """TWIST over the SKU views of people is worth looking at: neither perfect nor hopeless."""
    known: dict[str, list[str]] = defaultdict(list)
    stocked: dict[str, list[bool]] = defaultdict(list)
    for event, _, network in levels_in_time(busy):
        known[event["sku_id"]].append(event["event_ts"][:-1])
        stocked[event["sku_id"]].append(network > 0)
    by_brand: dict[str, list[bool]] = defaultdict(list)
    for event in of_topic(busy, "clickstream"):
        if event["event_type"] == "product_view" and "sku_id" in event and not is_bot(event):
            sku = event["sku_id"]
            at = bisect_right(known[sku], event["event_ts"][:-1] + "999")
            by_brand[sku[:2]].append(stocked[sku][at - 1])
    rates = sorted(sum(found) / len(found) for found in by_brand.values())
    views = [found for brand in by_brand.values() for found in brand]
    assert 0.70 < sum(views) / len(views) < 0.95
    assert rates[-1] - rates[0] > 0.1


@pytest.mark.parametrize(
    ("start", "hours"), [("2026-02-28T13:30:07+00:00", 30), ("2026-11-01T23:00:00+02:00", 1)]
)
def test_any_period_can_be_played(tmp_path: Path, start: str, hours: int) -> None:
    config = replace(SMALL, views=500, start=instant(start), hours=hours)
    write_landing(config, tmp_path)
    lines = read(tmp_path)
    assert len(of_topic(lines, "clickstream")) > 500
    for line in lines:
        assert config.start <= instant(line.event["event_ts"]) < config.end


def test_the_seed_describes_the_locations_of_the_demo() -> None:
    with (ROOT / "dbt_project" / "seeds" / "locations.csv").open(newline="") as file:
        columns, *rows = csv.reader(file)
    assert tuple(columns) == COLUMNS
    assert [tuple(row) for row in rows] == list(location_rows())
    assert len(rows) == RetailerConfig.locations
