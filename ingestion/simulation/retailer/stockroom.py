"""Stock of every SKU at every location that carries it, and what people do to it."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ingestion.simulation.retailer.assortment import Assortment, Locations
from ingestion.simulation.retailer.config import DAY, HOUR, Floats, Ints, RetailerConfig

RECEIPT, RETURN, SALE, BAG, BUY = range(5)
"""Kinds of action, in the order in which they happen at one instant."""
REASONS = ("receipt", "return", "sale", "", "sale")
"""The `reason` of the stock change that each kind makes."""

CENTRE_SHARE = 0.5
"""What distribution centres hold of a SKU's stock; its stores have the rest."""


class Visit(NamedTuple):
    """The part of an event that describes its visit."""

    key: str
    """The Kafka key."""
    fields: str
    """Rendered JSON members: session, visitor, channel …"""
    order: str
    """What the visit buys is one order."""


class Action(NamedTuple):
    """An action that adds to the stock or takes from it."""

    at: int
    """Microseconds since the start."""
    kind: int
    sku: int
    slot: int
    """The slot that is tried first."""
    pieces: int = 1
    order: int = -1
    """Bags and purchases: the number of the wish that both belong to."""
    visit: Visit | None = None


Change = tuple[int, int, int, str]
"""A stock change: instant (all different), slot, what is left there, and the reason."""


class Stockroom:
    """The levels of all slots. A slot is one SKU at one location that carries it; the slots of a
    SKU are adjacent, distribution centres first.
    """

    def __init__(self, config: RetailerConfig, goods: Assortment, locations: Locations) -> None:
        rng = config.rng(3)
        self._config = config
        self._centres = centres = locations.centres
        # Popular styles are in more of the stores.
        stores = len(locations.store_weight)
        popular = (goods.style_weight * len(goods.styles)) ** 0.25
        wanted = config.coverage * stores * popular / popular.mean()
        counts = np.clip(np.rint(wanted * rng.uniform(0.6, 1.4, len(wanted))), 1, stores)
        carriers = (np.sort(rng.choice(stores, int(count), replace=False)) for count in counts)
        places = [np.concatenate((np.arange(centres), centres + chosen)) for chosen in carriers]
        sku_places = [places[style] for style in goods.sku_style.tolist()]
        sizes = np.array([len(p) for p in sku_places], np.int64)
        self._first: Ints = np.concatenate(([0], np.cumsum(sizes)))
        location = np.concatenate(sku_places)
        sku = np.repeat(np.arange(len(sizes)), sizes)
        self.location: list[int] = location.tolist()
        self.sku: list[int] = sku.tolist()
        self._bounds: list[int] = self._first.tolist()

        # Planners err: by brand, by style, by SKU, and they buy too evenly over the sizes, so that
        # the popular sizes run out first.
        style = goods.sku_style
        days = np.array([s.brand.days for s in goods.styles])
        days *= rng.lognormal(0, 0.35, len(days))
        even = (goods.size_share * np.bincount(style)[style]) ** -0.5
        error = rng.lognormal(0, 0.25, len(even))
        daily = goods.demand * config.views * config.stock_changes * 24 / config.hours
        self._target = daily * days[style] * even * error * 1.15
        self._service = np.array([s.brand.service for s in goods.styles])[style]
        # What is left after an ordinary day: some sizes are sold out before deliveries arrive.
        yesterday = daily * rng.uniform(0.3, 1.2, len(sizes))
        opening = np.maximum(0, self._target * rng.uniform(0.6, 1, len(sizes)) - yesterday)
        weight = np.concatenate((np.zeros(centres), locations.store_weight))[location]
        in_store = (1 - CENTRE_SHARE) * weight / np.bincount(sku, weight)[sku]
        share = np.where(location < centres, CENTRE_SHARE / centres, in_store)
        levels = np.floor(opening[sku] * share + rng.random(len(sku))).astype(np.int64)
        self.level: list[int] = levels.tolist()
        self._network: list[int] = np.bincount(sku, levels).astype(np.int64).tolist()
        self._last = 0
        self._refused: set[int] = set()

    def centre_slots(self, skus: Ints, luck: Floats) -> Ints:
        """A distribution centre's slot for each SKU; `luck` is uniform in [0, 1)."""
        return self._first[skus] + (luck * self._centres).astype(np.int64)

    def store_slots(self, skus: Ints, luck: Floats) -> Ints:
        """A carrying store's slot for each SKU; `luck` is uniform in [0, 1)."""
        stores = self._first[skus + 1] - self._first[skus] - self._centres
        return self._first[skus] + self._centres + (luck * stores).astype(np.int64)

    def slot_of(self, sku: int, location: int, otherwise: int) -> int:
        """The SKU's slot at this location; `otherwise` where the location does not carry it."""
        end = self._bounds[sku + 1]
        slot = bisect_left(self.location, location, self._bounds[sku], end)
        return slot if slot < end and self.location[slot] == location else otherwise

    def deliveries(self, day: int, since: int) -> list[Action]:
        """What lorries bring on this day (counted from the start's midnight, `since` on, in
        microseconds since the start): centres at dawn, some stores before noon. A delivery fills
        up to the planners' target, when it comes.
        """
        config = self._config
        rng = config.rng(4, day)
        missing = self._target - np.array(self._network)
        comes = (rng.random(len(missing)) < self._service) & (missing > 0.15 * self._target)
        skus = np.flatnonzero(comes)
        midnight = day * DAY - config.start_us % DAY
        dawn = midnight + (rng.normal(6.5, 1.0, len(skus)) * HOUR).astype(np.int64)
        pieces = missing[skus] * rng.uniform(0.7, 1.0, len(skus))
        stops = [(CENTRE_SHARE, dawn, self.centre_slots(skus, rng.random(len(skus))))]
        for _ in range(2):
            drive = (rng.uniform(1, 5, len(skus)) * HOUR).astype(np.int64)
            store = self.store_slots(skus, rng.random(len(skus)))
            stops.append(((1 - CENTRE_SHARE) / 2, dawn + drive, store))
        actions: list[Action] = []
        for share, at, slots in stops:
            count = np.floor(pieces * share + rng.random(len(skus))).astype(np.int64)
            columns = (at, np.full_like(skus, RECEIPT), skus, slots, count)
            arrives = (count > 0) & (at >= since)
            actions += map(Action, *(column[arrives].tolist() for column in columns))
        return actions

    def play(self, actions: Iterable[Action]) -> tuple[list[Change], list[Action]]:
        """Carries out actions, which come in order of time. Who finds the first slot empty gets
        the pieces from the fullest one, as many as it has; who finds the SKU sold out everywhere
        gets nothing. Returns the stock changes, and the bags and purchases that found something to
        buy.
        """
        level, network, bounds = self.level, self._network, self._bounds
        refused, last = self._refused, self._last
        changes: list[Change] = []
        clicks: list[Action] = []
        for action in actions:
            at, kind, sku, slot, pieces, order, _ = action
            if kind <= RETURN:
                left = level[slot] + pieces
                network[sku] += pieces
            elif kind == BAG:
                if network[sku]:
                    clicks.append(action)
                else:
                    refused.add(order)
                continue
            else:
                if not network[sku] or order in refused:
                    refused.discard(order)
                    continue
                if not level[slot]:
                    begin = bounds[sku]
                    levels = level[begin : bounds[sku + 1]]
                    slot = begin + levels.index(max(levels))
                sold = pieces if pieces < level[slot] else level[slot]
                left = level[slot] - sold
                network[sku] -= sold
                if kind == BUY:
                    clicks.append(action._replace(pieces=sold))
            level[slot] = left
            # No two changes at one instant: which of them wins would depend on their positions.
            last = at if at > last else last + 1
            changes.append((last, slot, left, REASONS[kind]))
        self._last = last
        return changes, clicks
