"""Feeds the simulated retailer into Kafka, at the wall clock or a past day at any speed.

It runs until it is stopped: it then flushes its buffer and prints what was delivered.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from ingestion.connect.kafka_client import client_config
from ingestion.settings import Settings
from ingestion.simulation.retailer.config import HOUR, RetailerConfig, slices
from ingestion.simulation.simulator import Record

PRODUCER = {
    "enable.idempotence": True,  # a retry is not a second copy, and order within a key holds
    "acks": "all",
    "compression.type": "lz4",
    "linger.ms": 20,
    "queue.buffering.max.messages": 500_000,
    # A broker may be down for long; a producer that is stopped prints what was not delivered.
    "delivery.timeout.ms": 2_147_483_647,
    "partitioner": "murmur2_random",  # a key's partition as Java clients compute it
    "log_level": 0,
}
TICK = 0.02
"""Seconds between checks of the clock."""
SAY_EVERY = 10.0
FLUSH_SECONDS = 60.0
A_YEAR = 366 * 24
"""Hours: a producer at the wall clock runs until someone stops it."""


@dataclass
class Deliveries:
    """Delivery results of the records: counts by topic, failures by reason."""

    sent: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    undelivered: int = 0
    """Still waiting for the broker when the producer gave up."""

    def __str__(self) -> str:
        topics = ", ".join(f"{name} {count:,}" for name, count in sorted(self.delivered.items()))
        wrong = "".join(f"; {count:,} failed: {why}" for why, count in self.failed.items())
        lost = f"; {self.undelivered:,} not delivered" if self.undelivered else ""
        return (
            f"{self.sent.total():,} sent, {self.delivered.total():,} delivered"
            f" ({topics or 'none'}){wrong}{lost}"
        )

    @property
    def complete(self) -> bool:
        """Whether every record that was sent is in Kafka."""
        return self.delivered.total() == self.sent.total()


class Feed:
    """Sends records when they are due. `stop()` from any thread or signal handler ends it."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        from confluent_kafka import KafkaException, Producer

        self._refused = KafkaException
        self.deliveries = Deliveries()
        self._producer = Producer(client_config(settings, PRODUCER, self._say_problem))
        self._say = say
        self._problems: set[str] = set()
        self._stopped = False
        self._reported_at = time.monotonic()

    def stop(self, *_: object) -> None:
        """Send nothing more."""
        self._stopped = True

    def run(self, due: "Iterator[tuple[float, Sequence[Record]]]") -> Deliveries:
        """Send each group of records at its moment, in seconds of `time.monotonic`."""
        for moment, records in due:
            while not self._stopped and (wait := moment - time.monotonic()) > 0:
                self._producer.poll(min(wait, TICK))
                self._report()
            for record in records:
                self._send(record)
            if self._stopped:
                break
            self._producer.poll(0)
            self._report()
        self.deliveries.undelivered = self._producer.flush(FLUSH_SECONDS)
        return self.deliveries

    def _send(self, record: Record) -> None:
        while not self._stopped:
            try:
                self._producer.produce(
                    record.topic,
                    key=record.key.encode(),
                    value=record.value,
                    timestamp=record.timestamp,
                    on_delivery=self._delivered,
                )
            except BufferError:  # the broker is slower than we are: wait for it
                self._producer.poll(0.1)
                self._report()
                continue
            except self._refused as error:  # such as too large: the next one may be fine
                self.deliveries.failed[error.args[0].str()] += 1
            self.deliveries.sent[record.topic] += 1
            return

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self._problems.clear()
            self.deliveries.delivered[message.topic()] += 1
        else:
            self.deliveries.failed[error.str()] += 1

    def _say_problem(self, problem: str) -> None:
        """Kafka's client tries again by itself: what it says is said once."""
        if problem not in self._problems:
            self._problems.add(problem)
            self._say(f"Kafka is not reached, trying again: {problem}")

    def _report(self) -> None:
        if time.monotonic() - self._reported_at >= SAY_EVERY:
            self._reported_at = time.monotonic()
            self._say(str(self.deliveries))


def at_the_wall_clock(config: RetailerConfig, rate: float) -> RetailerConfig:
    """A year from now on, with about `rate` events a second at this time of the day."""
    start = datetime.now(UTC).replace(microsecond=0)
    day = replace(config, start=start, hours=24, views=24_000)
    # The next hour's share of a day's views gives the views per day that the rate needs;
    # computed twice, because busier days have shorter slices.
    for _ in range(2):
        hour = (piece for piece in slices(day) if piece.begin < HOUR)
        soon = sum(piece.human_views + piece.bot_views for piece in hour)
        views = round(rate / EVENTS_PER_VIEW * 3600 * day.views / max(1, soon))
        day = replace(day, views=max(24, views))
    return replace(day, hours=A_YEAR, views=day.views * A_YEAR // 24, visits_in_progress=True)


EVENTS_PER_VIEW = 1.27
"""Page views, searches, bag and stock events come with the product views."""


def paced(
    chunks: Iterator[list[Record]], start_ms: int, speed: float, burst: float
) -> Iterator[tuple[float, Sequence[Record]]]:
    """Group the records by the moment at which they are due, `speed` times as fast as real time
    (0: as fast as Kafka accepts them), held back for `burst` seconds and then sent at once.
    """
    began = time.monotonic()
    step = max(TICK, burst)
    for chunk in chunks:
        if not speed:
            yield began, chunk
            continue
        steps = groupby(chunk, lambda r: (r.timestamp - start_ms) / 1000 / speed // step)
        for number, group in steps:
            yield began + (number + 1) * step, list(group)
