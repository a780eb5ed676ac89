"""Live mode: one process that loads whatever lands, at once, until its shift (an hour) is over.

A load lists the hours covered by its slack: tens of thousands of objects where files land every few
seconds. So this polls only the newest folders, often, and passes new objects to a load that lists
nothing. Once a minute a load lists by itself: for objects that landed in an older folder, and for
the daily sweep.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake import landed_objects
from ingestion.lake.landed_objects import LandedObject, Listed
from ingestion.settings import Settings
from orchestration.warehouse import write_queue, writer_lock
from orchestration.warehouse.apart import apart
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.maintain import maintain

LOOK_SECONDS = 0.5
CYCLE_SECONDS = 2.0
"""Cycles begin at least this far apart: what lands meanwhile shares the next one."""
FULL_SECONDS = 60.0
"""A load that lists by itself begins at least this often."""
CLOSING = timedelta(minutes=2)
"""Files of an hour may still land this long after it."""
MAINTAIN_SECONDS = 300.0
"""Each cycle adds a file to most tables, and to DuckDB's caches of them: this clears both."""


class Watcher:
    """Finds new objects in each topic's newest folders."""

    def __init__(self, settings: Settings) -> None:
        self._store = landed_objects.open_store(settings)
        self._newest: dict[str, datetime] = {}
        self._seen: set[tuple[str, str]] = set()

    def look(self) -> list[LandedObject]:
        """The objects that are new or have changed since the last call."""
        closing = (datetime.now(UTC) - CLOSING).replace(minute=0, second=0, microsecond=0)
        found = []
        for topic in LANDED_TOPICS:
            newest = self._newest.get(topic) or landed_objects.newest_folder(self._store, topic)
            if newest:
                listed = list(landed_objects.list_landed(self._store, topic, min(newest, closing)))
                hours = (landed.folder_hour for landed in listed if not landed.error)
                self._newest[topic] = max(hours, default=newest)
                found += listed
        new = [landed for landed in found if (landed.key, landed.etag) not in self._seen]
        self._seen = {(landed.key, landed.etag) for landed in found}
        return new


def work(
    settings: Settings,
    dbt: Dbt,
    is_over: Callable[[], bool],
    say: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Iterator[LoadReport | None]:
    """Load what lands until the shift is over; yield after each load, and None after each poll.

    While this is suspended the writer lock is held and nothing is running. Warm dbt up first: the
    previous shift keeps loading meanwhile, and is replaced within tenths of a second.
    """
    warehouse = settings.warehouse_root
    watcher = Watcher(settings)
    write_queue.take(warehouse, say=say)
    maintained, last, last_full = now(), float("-inf"), float("-inf")
    last_sweep: date | None = None
    fresh: dict[str, LandedObject] = {}
    try:
        while not is_over():
            looked_at = datetime.now(UTC)
            fresh |= {landed.key: landed for landed in watcher.look()}
            # A day's first load lists by itself: it sweeps the days that late events can reach.
            is_full = now() - last_full >= FULL_SECONDS or looked_at.date() != last_sweep
            if is_full or (fresh and now() - last >= CYCLE_SECONDS):
                last, listed = now(), Listed(looked_at, list(fresh.values()))
                if is_full:
                    last_full, last_sweep = last, looked_at.date()
                fresh = {}
                yield load(settings, dbt, say, listed=None if is_full else listed)
            else:
                time.sleep(LOOK_SECONDS)
                yield None
            if now() - maintained >= MAINTAIN_SECONDS and keeps_files(settings):
                dbt.close()
                apart(maintain, settings, say)
                maintained = now()
            if write_queue.somebody_waits(warehouse):
                say("another run waits to write: releasing the writer lock")
                dbt.close()  # a rebuild swaps the warehouse's folder
                writer_lock.release(warehouse)
                if not is_over():
                    write_queue.take(warehouse, say=say)
                    last_full = float("-inf")  # load whatever that run has left
    finally:
        dbt.close()
        writer_lock.release(warehouse)
