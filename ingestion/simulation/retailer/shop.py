"""The retailer at work: slices of its day, as batches of events."""

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from ingestion.simulation.retailer import fields
from ingestion.simulation.retailer.arrivals import Batch
from ingestion.simulation.retailer.assortment import build_assortment, build_locations
from ingestion.simulation.retailer.config import DAY, HOUR, Ints, RetailerConfig, Slice
from ingestion.simulation.retailer.render import hex_ids, stamps
from ingestion.simulation.retailer.stockroom import BAG, BUY, RETURN, SALE, Action, Stockroom, Visit
from ingestion.simulation.retailer.traffic import Visits, draw_visits

RETURNS = 0.03
"""Returns per sale in a store."""
MARKDOWN_EVERY = 25
"""One style in so many gets a new price in the course of a day."""
MARKDOWN = 0.8


class Shop:
    """Plays the retailer: `open` first, then `play` for each slice in order. Clicks on pages come
    with the slice in which their visit began, even those that happen after it; everything that
    depends on stock comes with the slice in which it happens.
    """

    def __init__(self, config: RetailerConfig) -> None:
        self._config = config
        self._goods = build_assortment(config)
        self._locations = build_locations(config)
        self._stock = Stockroom(config, self._goods, self._locations)
        self._prices = list(self._goods.style_price)
        self._products = fields.product_fields(self._goods)
        self._searches = fields.search_fields(self._goods)
        self._pages = fields.page_fields()
        self._devices, self._first_device = fields.device_fields()
        self._fulfilments = fields.fulfilment_fields(self._locations)
        self._visits = self._clicks = self._changes = 0
        self._day = -1
        self._waiting: list[Action] = []

    def open(self) -> Iterator[Batch]:
        """The whole catalog, and a count of every slot, at the first instant."""
        skus = list(range(len(self._goods.sku_ids)))
        yield self._catalog(skus, 0)
        levels = self._stock.level
        slots = list(range(len(levels)))
        yield self._changed([0] * len(slots), slots, levels, ["count"] * len(slots))

    def play(self, piece: Slice) -> Iterator[Batch]:
        """What happens in this slice."""
        day = (self._config.start_us % DAY + piece.begin) // DAY
        if day > self._day:
            self._day = day
            since = max(0, piece.begin)
            self._waiting += self._stock.deliveries(day, since)
            yield from self._markdowns(day, since)
        visits = draw_visits(self._config, self._goods, self._locations, piece)
        visit_fields = self._visit_fields(visits)
        self._waiting += self._wishes(piece, visits, visit_fields)
        self._waiting += self._store_sales(piece)
        self._waiting.sort()
        count = bisect_left(self._waiting, piece.end, key=lambda action: action.at)
        outcome = self._stock.play(self._waiting[:count])
        del self._waiting[:count]

        yield self._changed(outcome.at, outcome.slot, outcome.level, outcome.reason)
        yield from self._seen(visits, visit_fields)
        for kind, name in ((BAG, "add_to_bag"), (BUY, "purchase")):
            yield self._done(name, [action for action in outcome.clicks if action.kind == kind])

    def _visit_fields(self, visits: Visits) -> list[Visit]:
        n = len(visits.visitor)
        sessions = hex_ids(self._visits + np.arange(n), self._config.id_seed + 1)
        self._visits += n
        visitors = hex_ids(visits.visitor, self._config.seed + 2)
        kind = np.where(visits.is_bot, len(self._first_device) - 1, visits.channel)
        devices = (np.array(self._first_device)[kind] + visits.agent).tolist()
        return [
            Visit(
                f"v{visitor}",
                f'"session_id":"s{session}","visitor_id":"v{visitor}",'
                f"{self._devices[device]},{self._fulfilments[store]}",
            )
            for session, visitor, device, store in zip(
                sessions, visitors, devices, visits.store.tolist(), strict=True
            )
        ]

    def _wishes(self, piece: Slice, visits: Visits, visit_fields: list[Visit]) -> Iterator[Action]:
        """People who want something in their bag, and then perhaps want to buy it."""
        n = len(visits.wish_sku)
        # Of the two events of a wish: the first number is the bag's, the next the purchase's.
        orders = self._clicks + 2 * np.arange(n)
        self._clicks += 2 * n
        luck = self._config.rng(7, piece.number).random(n)
        slots = self._stock.centre_slots(visits.wish_sku, luck)
        stores = visits.store[visits.wish_visit]
        for sku, slot, store, order, visit, bag_at, buys, buy_at in zip(
            visits.wish_sku.tolist(),
            slots.tolist(),
            stores.tolist(),
            orders.tolist(),
            visits.wish_visit.tolist(),
            visits.bag_at.tolist(),
            visits.buys.tolist(),
            visits.buy_at.tolist(),
            strict=True,
        ):
            yield Action(bag_at, BAG, sku, slot, 1, order, visit_fields[visit])
            if buys:
                if store >= 0:
                    slot = self._stock.slot_of(sku, self._locations.centres + store, slot)
                yield Action(buy_at, BUY, sku, slot, 1, order, visit_fields[visit])

    def _store_sales(self, piece: Slice) -> Iterator[Action]:
        rng = self._config.rng(8, piece.number)
        n = piece.store_sales
        skus = np.searchsorted(np.cumsum(self._goods.demand), rng.random(n), side="right")
        skus = np.minimum(skus, len(self._goods.sku_ids) - 1)
        slots = self._stock.store_slots(skus, rng.random(n))
        at = rng.integers(piece.begin, piece.end, n)
        kinds = np.where(rng.random(n) < RETURNS, RETURN, SALE)
        return map(Action, at.tolist(), kinds.tolist(), skus.tolist(), slots.tolist())

    def _seen(self, visits: Visits, visit_fields: list[Visit]) -> Iterator[Batch]:
        """Product views, searches, the home page: whatever needs no stock."""
        views = np.where(
            visits.view_sku < 0,
            visits.view_style,
            len(self._goods.style_ids) + visits.view_sku,
        )
        pages = visits.visitor[visits.page_visit] % len(self._pages)
        for name, at, which, texts, subjects in (
            ("product_view", visits.view_at, visits.view_visit, self._products, views),
            ("search", visits.search_at, visits.search_visit, self._searches, visits.search_style),
            ("page_view", visits.page_at, visits.page_visit, self._pages, pages),
        ):
            numbers = self._clicks + np.arange(len(at))
            self._clicks += len(at)
            yield self._clicked(
                name,
                at,
                numbers,
                [visit_fields[visit] for visit in which.tolist()],
                [texts[subject] for subject in subjects.tolist()],
            )

    def _done(self, name: str, actions: list[Action]) -> Batch:
        first_sku = len(self._goods.style_ids)
        return self._clicked(
            name,
            np.array([action.at for action in actions], np.int64),
            np.array([action.order + (action.kind == BUY) for action in actions], np.int64),
            [action.visit for action in actions if action.visit],
            [self._products[first_sku + action.sku] for action in actions],
        )

    def _clicked(
        self, name: str, at: Ints, numbers: Ints, visits: list[Visit], subjects: list[str]
    ) -> Batch:
        ids = hex_ids(numbers, self._config.id_seed)
        times = stamps(self._config.start_us + at)
        values = [
            f'{{"event_id":"{i}","event_type":"{name}","event_ts":"{t}",{v.fields},{s}}}'.encode()
            for i, t, v, s in zip(ids, times, visits, subjects, strict=True)
        ]
        return Batch("clickstream", [visit.key for visit in visits], values, at)

    def _changed(
        self, at: list[int], slots: list[int], levels: list[int], reasons: list[str]
    ) -> Batch:
        n = len(at)
        instants = np.array(at, np.int64)
        ids = hex_ids(self._changes + np.arange(n), self._config.id_seed + 3)
        self._changes += n
        sku_ids, location_ids = self._goods.sku_ids, self._locations.ids
        skus = [sku_ids[self._stock.sku[slot]] for slot in slots]
        places = [location_ids[self._stock.location[slot]] for slot in slots]
        times = stamps(self._config.start_us + instants, micros=True)
        values = [
            f'{{"event_id":"{i}","sku_id":"{sku}","location_id":"{place}",'
            f'"available_qty":{level},"event_ts":"{t}","reason":"{reason}"}}'.encode()
            for i, sku, place, level, t, reason in zip(
                ids, skus, places, levels, times, reasons, strict=True
            )
        ]
        return Batch("sku_availability", skus, values, instants)

    def _catalog(self, skus: list[int], at: int) -> Batch:
        instants = np.full(len(skus), at, np.int64)
        rows = fields.catalog_rows(self._goods, skus, self._prices)
        times = stamps(self._config.start_us + instants)
        values = [
            f'{{{row},"event_ts":"{time}"}}'.encode() for row, time in zip(rows, times, strict=True)
        ]
        return Batch(
            "product_catalog", [self._goods.sku_ids[sku] for sku in skus], values, instants
        )

    def _markdowns(self, day: int, since: int) -> Iterator[Batch]:
        """Some styles get cheaper at ten in the morning."""
        at = day * DAY - self._config.start_us % DAY + 10 * HOUR
        if not since <= at < self._config.hours * HOUR:
            return
        styles = len(self._prices)
        chosen = self._config.rng(9, day).choice(styles, styles // MARKDOWN_EVERY, replace=False)
        for style in chosen.tolist():
            self._prices[style] = round(self._prices[style] * MARKDOWN, 2)
        yield self._catalog(np.flatnonzero(np.isin(self._goods.sku_style, chosen)).tolist(), at)
