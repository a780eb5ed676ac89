"""The settings of the simulated retailer."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ingestion.simulation.sink import SinkConfig

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SECOND = 1_000_000
"""Simulated time is counted in microseconds since `RetailerConfig.start`."""
HOUR = 3600 * SECOND
DAY = 24 * HOUR

SLICE_VIEWS = 30_000
"""About as many product views are simulated at once: bounds memory, whatever the config."""


@dataclass(frozen=True, kw_only=True)
class RetailerConfig(SinkConfig):
    """One simulated period of one retailer. The same config gives the same bytes.

    Rates and shares are between 0 and 1. All faults are off by default: then every line is valid,
    nothing lands twice, and every event arrives right after it happened.
    """

    start: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    """First instant, with a time zone, on a whole second. Opening stock is counted here."""
    hours: int = 24
    """Length of the period. Nothing happens after it; only late events arrive after it."""
    views: int = 200_000
    """Product views in the whole period, those of bots included; exact."""
    styles: int = 120
    """Styles on sale, about five SKUs each."""
    locations: int = 350
    """Stores and distribution centres (three of them; two below 100 locations)."""
    coverage: float = 0.12
    """Share of the stores that carry a style, on average. Opening levels are counted there."""
    stock_changes: float = 0.2
    """Stock changes per product view, about, the opening levels aside."""
    sku_views: float = 0.4
    """Share of the product views that name a SKU; the others name a style only."""
    bot_views: float = 0.06
    """Share of the product views that bots make."""
    visits_in_progress: bool = False
    """Whether visits are under way at the first instant: their later views come on top of `views`.
    Without them traffic takes minutes to reach the configured rate."""

    retry_rate: float = 0.0
    """Events that their producer sends again: the same event at a new position, up to 30 s later.
    Only events that are in time and have an id (no catalog rows)."""
    late_rate: float = 0.0
    """Events (no catalog rows) that arrive late: a quarter to the whole of `late_hours` later."""
    late_hours: float = 6.0
    """How late the latest of the late events arrive, in hours."""
    too_late_rate: float = 0.0
    """Events (no catalog rows) whose UTC day is `late_days` + 1 days before their arrival's."""
    late_days: int = 3
    """The loader's setting, in days: what `too_late_rate` must exceed."""
    disorder: float = 0.0
    """Seconds. Every event's delay is up to this much longer, so arrivals cross each other."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start.tzinfo is None or self.start.microsecond:
            raise ValueError(f"start={self.start}: an instant with a time zone, on a whole second")
        if self.late_rate + self.too_late_rate > 1:
            raise ValueError("late_rate and too_late_rate together: at most 1")
        slowest = self.late_hours * 3600 + self.disorder + 1
        if self.late_rate and slowest > self.late_days * DAY / SECOND:
            raise ValueError(f"late_hours={self.late_hours}: within late_days={self.late_days}")
        least = {"seed": 0, "hours": 1, "views": 1, "styles": 1, "locations": 3, "late_days": 0}
        least |= {"stock_changes": 0, "disorder": 0, "late_hours": 0}
        for name, lowest in least.items():
            value = getattr(self, name)
            if not lowest <= value < math.inf:
                raise ValueError(f"{name}={value}: at least {lowest}")
        for name in ("coverage", "sku_views", "bot_views"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: a share between 0 and 1")

    @property
    def start_us(self) -> int:
        """The start in microseconds since the epoch."""
        return int(self.start.timestamp()) * SECOND

    @property
    def id_seed(self) -> int:
        """Seed of event and session ids: two periods that share a day must not share any id."""
        return self.seed + self.start_us

    @property
    def end(self) -> datetime:
        """The first instant after the simulated time."""
        return self.start + timedelta(hours=self.hours)

    def rng(self, *purpose: int) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose."""
        return np.random.default_rng([self.seed, *purpose])


def pick(shares: Floats, luck: Floats) -> Ints:
    """An index into `shares` (which sum to 1) for each `luck`, uniform in [0, 1)."""
    return np.searchsorted(np.cumsum(shares)[:-1], luck, side="right")


@dataclass(frozen=True)
class Slice:
    """An interval of simulated time, and how much happens in it."""

    number: int
    begin: int
    """Microseconds since the start; below 0 for visits that are in progress then."""
    end: int
    human_views: int
    bot_views: int
    store_sales: int
    """Attempts to buy in a store."""


LEAD = 15 * 60 * SECOND
"""Nearly all visits are shorter."""
ONLINE_SALES = 0.012
"""Purchases per product view, about; the rest of the stock changes are made in stores."""


def slices(config: RetailerConfig) -> list[Slice]:
    """The period cut into equal slices: traffic peaks in the evening, stores open from 9 to 21."""
    busiest = config.views * 2 / max(24, config.hours) / SLICE_VIEWS
    per_hour = next((n for n in (1, 2, 3, 4, 6, 12, 20, 30) if n >= busiest), 60)
    edges = np.arange(config.hours * per_hour + 1) * (HOUR // per_hour)
    middle = ((edges[:-1] + edges[1:]) / 2 + config.start_us % DAY) % DAY / HOUR
    online = 0.25 + 2.2 * _bump(middle, 20.5, 2.6) + 0.9 * _bump(middle, 12.5, 2.5)
    stores = np.where((middle > 9) & (middle < 21), 0.4 + _bump(middle, 17, 2.5), 0.0)
    views = _apportion(config.views, online)
    bots = np.diff(np.rint(np.concatenate(([0], np.cumsum(views))) * config.bot_views))
    # Three in a hundred are returns and receipts; one attempt in seven finds no stock.
    attempts = max(0.0, config.stock_changes - ONLINE_SALES) * config.views * 1.1
    sales = _apportion(round(attempts), stores if stores.any() else online)
    pieces = [
        Slice(k, int(edges[k]), int(edges[k + 1]), int(views[k] - bots[k]), int(bots[k]), int(n))
        for k, n in enumerate(sales)
    ]
    if config.visits_in_progress:
        first, times = pieces[0], LEAD * per_hour / HOUR
        people, robots = round(first.human_views * times), round(first.bot_views * times)
        pieces.insert(0, Slice(len(pieces), -LEAD, 0, people, robots, 0))
    return pieces


def _bump(hour: Floats, peak: float, width: float) -> Floats:
    return np.exp(-(((hour - peak) / width) ** 2))


def _apportion(total: int, weights: Floats) -> Ints:
    """Whole numbers in proportion to the weights that sum to the total exactly."""
    shares = np.concatenate(([0.0], np.cumsum(weights) / weights.sum()))
    shares[-1] = 1.0
    counts: Ints = np.diff(np.rint(shares * total).astype(np.int64))
    return counts
