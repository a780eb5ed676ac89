"""The retailer at work: slices of its day, as batches of events."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

from ingestion.simulation.retailer import fields
from ingestion.simulation.retailer.arrivals import Batch
from ingestion.simulation.retailer.assortment import build_assortment, build_locations
from ingestion.simulation.retailer.config import DAY, HOUR, Ints, RetailerConfig, Slice, pick
from ingestion.simulation.retailer.render import hex_ids, stamps
from ingestion.simulation.retailer.stockroom import (
    BAG,
    BUY,
    RETURN,
    SALE,
    Action,
    Change,
    Stockroom,
    Visit,
)
from ingestion.simulation.retailer.traffic import Visits, draw_visits

RETURNS = 0.03
"""Returns per sale in a store."""
MARKDOWN_EVERY = 25
"""One style in so many gets a new price in the course of a day."""
MARKDOWN = 0.8
PIECES = np.array((0.9, 0.08, 0.02))
"""Shares of the wishes for one piece, two and three."""


class Shop:
    """Plays the retailer: `open` first, then `play` for each slice in order. Clicks on pages come
    with the slice in which their visit began; what depends on stock, with that of its instant.
    """

    def __init__(self, config: RetailerConfig) -> None:
        self._config = config
        self._goods = build_assortment(config)
        self._locations = build_locations(config)
        self._stock = Stockroom(config, self._goods, self._locations)
        self._prices = [style.price for style in self._goods.styles]
        self._products = fields.product_fields(self._goods)
        self._searches = fields.search_fields(self._goods)
        self._pages = fields.page_fields()
        self._devices = fields.device_fields()
        self._fulfilments = fields.fulfilment_fields(self._locations)
        self._visits = self._clicks = self._changes = 0
        self._day = -1
        self._waiting: list[Action] = []

    def open(self) -> Iterator[Batch]:
        """The whole catalog, and a count of every slot, at the first instant."""
        yield self._catalog(list(range(len(self._goods.sku_ids))), 0)
        levels = enumerate(self._stock.level)
        yield self._changed([(0, slot, level, "count") for slot, level in levels])

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
        end = bisect_left(self._waiting, piece.end, key=lambda action: action.at)
        changes, clicks = self._stock.play(self._waiting[:end])
        del self._waiting[:end]

        yield self._changed(changes)
        yield from self._seen(visits, visit_fields)
        for kind, name in ((BAG, "add_to_bag"), (BUY, "purchase")):
            yield self._done(name, [action for action in clicks if action.kind == kind])

    def _visit_fields(self, visits: Visits) -> list[Visit]:
        n = len(visits.visitor)
        sessions = hex_ids(self._visits + np.arange(n), self._config.id_seed + 1)
        self._visits += n
        visitors = hex_ids(visits.visitor, self._config.seed + 2)
        return [
            Visit(
                f"v{visitor}",
                f'"session_id":"s{session}","visitor_id":"v{visitor}",'
                f"{self._devices[device]},{self._fulfilments[store]}",
                f'"order_id":"o{session}"',
            )
            for session, visitor, device, store in zip(
                sessions, visitors, visits.device.tolist(), visits.store.tolist(), strict=True
            )
        ]

    def _wishes(self, piece: Slice, visits: Visits, visit_fields: list[Visit]) -> Iterator[Action]:
        """People who want something in their bag, and then perhaps want to buy it."""
        wishes = visits.wishes
        luck = self._config.rng(7, piece.number).random(len(wishes.at))
        slots = self._stock.centre_slots(wishes.sku, luck)
        pieces = 1 + pick(PIECES, self._config.rng(10, piece.number).random(len(wishes.at)))
        columns = (*wishes, slots, visits.store[wishes.visit], pieces)
        # Of the two events of a wish: the first number is the bag's, the next the purchase's.
        for order, at, visit, sku, buy_at, slot, store, wanted in zip(
            count(self._clicks, 2), *(column.tolist() for column in columns), strict=False
        ):
            yield Action(at, BAG, sku, slot, wanted, order, visit_fields[visit])
            if buy_at >= 0:
                if store >= 0:
                    slot = self._stock.slot_of(sku, self._locations.centres + store, slot)
                yield Action(buy_at, BUY, sku, slot, wanted, order, visit_fields[visit])
        self._clicks += 2 * len(wishes.at)

    def _store_sales(self, piece: Slice) -> Iterator[Action]:
        rng = self._config.rng(8, piece.number)
        n = piece.store_sales
        skus = pick(self._goods.demand, rng.random(n))
        slots = self._stock.store_slots(skus, rng.random(n))
        at = rng.integers(piece.begin, piece.end, n)
        kinds = np.where(rng.random(n) < RETURNS, RETURN, SALE)
        return map(Action, at.tolist(), kinds.tolist(), skus.tolist(), slots.tolist())

    def _seen(self, visits: Visits, visit_fields: list[Visit]) -> Iterator[Batch]:
        """Product views, searches, the home page: whatever needs no stock."""
        for name, clicks, texts in (
            ("product_view", visits.views, self._products),
            ("search", visits.searches, self._searches),
            ("page_view", visits.pages, self._pages),
        ):
            numbers = self._clicks + np.arange(len(clicks.at))
            self._clicks += len(clicks.at)
            by = [visit_fields[visit] for visit in clicks.visit.tolist()]
            what = [texts[subject] for subject in clicks.subject.tolist()]
            yield self._clicked(name, clicks.at, numbers, by, what)

    def _done(self, name: str, actions: list[Action]) -> Batch:
        first_sku = len(self._goods.styles)
        return self._clicked(
            name,
            np.array([action.at for action in actions], np.int64),
            np.array([action.order + (action.kind == BUY) for action in actions], np.int64),
            [action.visit for action in actions if action.visit],
            [
                f'{self._products[first_sku + action.sku]},"quantity":{action.pieces}'
                + (f",{action.visit.order}" if action.kind == BUY and action.visit else "")
                for action in actions
            ],
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

    def _changed(self, changes: Sequence[Change]) -> Batch:
        at = np.array([at for at, _, _, _ in changes], np.int64)
        ids = hex_ids(self._changes + np.arange(len(at)), self._config.id_seed + 3)
        self._changes += len(at)
        skus = [self._goods.sku_ids[self._stock.sku[slot]] for _, slot, _, _ in changes]
        times = stamps(self._config.start_us + at, micros=True)
        places, location = self._locations.ids, self._stock.location
        values = [
            f'{{"event_id":"{i}","sku_id":"{sku}","location_id":"{places[location[slot]]}",'
            f'"available_qty":{level},"event_ts":"{t}","reason":"{reason}"}}'.encode()
            for i, sku, t, (_, slot, level, reason) in zip(ids, skus, times, changes, strict=True)
        ]
        return Batch("sku_availability", skus, values, at)

    def _catalog(self, skus: list[int], at: int) -> Batch:
        goods, instants = self._goods, np.full(len(skus), at, np.int64)
        (time,) = stamps(self._config.start_us + np.array([at]))
        rows = (fields.catalog_row(goods, sku, self._prices) for sku in skus)
        values = [f'{{{row},"event_ts":"{time}"}}'.encode() for row in rows]
        return Batch("product_catalog", [goods.sku_ids[sku] for sku in skus], values, instants)

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
