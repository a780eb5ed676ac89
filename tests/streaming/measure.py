"""How long an event takes to its S3 object and to the fact: `python -m tests.streaming.measure`.

Streams the simulated retailer at the wall clock through Kafka, Connect and S3 while this process
loads in a loop, then accounts for every record.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np

from ingestion.contract.topics import TOPICS
from ingestion.lake import landed_objects
from ingestion.lake.object_text import fetch, read_text
from ingestion.settings import Settings
from tests.streaming import services
from tests.streaming.accounts import Account, drain
from tests.streaming.stack import Stack

WARM_UP = 40.0
"""Seconds until traffic is even and dbt is warm; events from before are not measured."""

COMMITTED = """
    select epoch_ms(max(snapshot_time)) from ducklake_snapshots('twist')
    where list_contains(flatten(map_values(changes)), (
        select cast(table_id as varchar) from __ducklake_metadata_twist.ducklake_table
        where table_name = 'fct_twist' and end_snapshot is null
    ))
"""
"""When the fact's newest rows could first be read, in milliseconds since the epoch."""


@dataclass
class Watch:
    """Notes when each object is first seen in the landing lake."""

    settings: Settings
    seen: dict[str, float] = field(default_factory=dict)
    every: float = 0.3

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._store = landed_objects.open_store(self.settings)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            self.look()

    def look(self) -> None:
        """Note what is new."""
        since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        for topic in TOPICS:
            for found in landed_objects.list_landed(self._store, topic, since):
                self.seen.setdefault(found.key, time.time())

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def latencies(self, from_ms: float) -> list[float]:
        """Seconds from each event's Kafka timestamp to its object, of events after a moment."""
        found = []
        for key, at in self.seen.items():
            text = b"".join(read_text(fetch(self._store, key)).pieces)
            stamps = (json.loads(line)["_timestamp"] for line in text.splitlines())
            found += [at - stamp / 1000 for stamp in stamps if stamp > from_ms]
        return found


@dataclass(frozen=True)
class Measured:
    """Seconds from event to object and to fact, and the account at the end."""

    to_object: Sequence[float]
    to_fact: Sequence[float]
    account: Account
    rate: float

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.rate:,.0f} events/s measured",
                f"event to S3 object: {quantiles(self.to_object)}",
                f"event to fact:      {quantiles(self.to_fact)}",
                str(self.account),
            ]
        )


def quantiles(seconds: Sequence[float]) -> str:
    """p50, p95 and the worst, in seconds."""
    p50, p95, worst = np.quantile(np.array(seconds), [0.5, 0.95, 1])
    return f"p50 {p50:.1f} s, p95 {p95:.1f} s, max {worst:.1f} s of {len(seconds):,}"


def measure(stack: Stack, rate: float, seconds: float, say: Any = print) -> Measured:
    """Stream for so long, beside loads in a loop; then drain and account."""
    import os

    from orchestration.warehouse.dbt_runner import Dbt
    from orchestration.warehouse.load import load

    os.environ.update(stack.environment())
    settings = stack.settings
    dbt = Dbt(settings)
    load(settings, dbt, lambda _: None)
    to_fact: list[float] = []
    known: set[str] = set()
    reached = 0
    began = time.time()
    from_ms = (began + WARM_UP) * 1000

    def cycle() -> None:
        nonlocal reached
        report = load(settings, dbt, lambda _: None)
        if report.objects:
            say(str(report))
        rows = dbt.query(
            "select view_id, epoch_ms(view_ts), load_id from twist.marts.fct_twist "
            f"where load_id > {reached}"
        )
        reached = max([reached, *(row[2] for row in rows)])
        # A view that is judged anew because stock came later is in the fact already.
        new = [(name, at) for name, at, _ in rows if name not in known]
        if new:
            ((committed,),) = dbt.query(COMMITTED)
            to_fact.extend((committed - at) / 1000 for _, at in new if at > from_ms)
        known.update(name for name, _ in new)

    with Watch(settings) as watch:
        producer = stack.run("produce", "--rate", str(rate), log="producer")
        while time.time() - began < WARM_UP + seconds:
            cycle()
        producer.stop(60)
        found = drain(settings, cycle, 120)
    to_object = watch.latencies(from_ms)
    dbt.close()
    return Measured(to_object, to_fact, found, len(to_object) / seconds)


@click.command()
@click.option("--rate", default=500.0, help="Events a second.")
@click.option("--seconds", default=300.0)
def main(rate: float, seconds: float) -> None:
    """Measure and print; the exit status is 1 when a record was lost or counted twice."""
    if reason := services.missing_for_sink():
        raise click.ClickException(reason)
    with tempfile.TemporaryDirectory() as root, Stack(Path(root)) as stack:
        measured = measure(stack, rate, seconds)
    print(measured)
    sys.exit(1 if measured.account.lost or measured.account.twice else 0)


if __name__ == "__main__":
    main()
