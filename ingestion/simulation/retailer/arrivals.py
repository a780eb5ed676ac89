"""When events reach Kafka: in order, out of order, twice, late, or too late."""

import sys
from bisect import bisect_left
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from operator import itemgetter

import numpy as np

from ingestion.simulation.retailer.config import Ints, RetailerConfig
from ingestion.simulation.sink import Record

DELAY_MS = 80
"""From the event to its arrival on a good day."""
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Batch:
    """Events of one topic."""

    topic: str
    keys: list[str]
    values: list[bytes]
    at: Ints
    """When each happened, in microseconds since the start."""


class Arrivals:
    """Holds the events that have happened and not yet arrived."""

    def __init__(self, config: RetailerConfig) -> None:
        self._config = config
        self._start_ms = config.start_us // 1000
        self._pending: list[Record] = []
        self._batches = 0

    def add(self, batch: Batch) -> None:
        """Sends events. Each fault has random numbers of its own: the others do not change."""
        config, n = self._config, len(batch.at)
        rng = partial(config.rng, 6, self._batches)
        self._batches += 1
        arrival = self._start_ms + batch.at // 1000 + DELAY_MS
        if config.disorder:
            arrival += (rng(0).random(n) * config.disorder * 1000).astype(np.int64)
        in_time = np.ones(n, bool)
        has_id = batch.topic != "product_catalog"
        if has_id and (config.late_rate or config.too_late_rate):
            luck, how = rng(1).random(n), rng(2).uniform(0.25, 1, n)
            late, too_late = luck < config.late_rate, luck >= 1 - config.too_late_rate
            arrival[late] += (how * config.late_hours * 3_600_000).astype(np.int64)[late]
            arrival[too_late] += (config.late_days + 1) * DAY_MS
            in_time = ~late & ~too_late
        times = arrival.tolist()
        columns = zip(repeat(batch.topic), batch.keys, batch.values, times, strict=False)
        # Five times as fast as Record(…), and this is done for every event.
        self._pending += map(partial(tuple.__new__, Record), columns)
        if has_id and config.retry_rate:
            again = np.flatnonzero(in_time & (rng(3).random(n) < config.retry_rate))
            waits = rng(4).integers(200, 30_000, len(again)).tolist()
            self._pending += (
                Record(batch.topic, batch.keys[k], batch.values[k], times[k] + wait)
                for k, wait in zip(again.tolist(), waits, strict=True)
            )

    def until(self, at: int = sys.maxsize) -> list[Record]:
        """What arrives before this moment (microseconds since the start), by timestamp."""
        self._pending.sort(key=itemgetter(3))
        count = bisect_left(self._pending, self._start_ms + at // 1000, key=itemgetter(3))
        arrived, self._pending = self._pending[:count], self._pending[count:]
        return arrived
