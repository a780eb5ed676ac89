"""Live mode: one process that loads whatever lands, at once, for as long as it is its shift.

A load that finds nothing new still asks the warehouse some questions; listing the newest folders
costs milliseconds. So it looks often and loads when the listing differs from the last one, and once
a minute besides: for objects that were unreadable, replays asked for, and the daily sweep.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ingestion import lake, writer_lock
from ingestion.landing import DEAD_LETTERS, TOPICS
from ingestion.settings import Settings
from ingestion.warehouse import keeps_files
from orchestration.lib import turns
from orchestration.lib.cycle import TopicNews, run_load
from orchestration.lib.dbt import Dbt
from orchestration.lib.maintenance import maintain
from orchestration.lib.report import LoadReport

LOOK_SECONDS = 0.5
CYCLE_SECONDS = 2.0
"""Cycles begin at least this far apart: what lands meanwhile shares the next one."""
IDLE_SECONDS = 60.0
MAINTAIN_SECONDS = 3600.0


class Watcher:
    """Sees from the newest folders of the landing lake that there is something to load."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = lake.open_store(settings)
        self._since: dict[str, datetime] = {}
        self._seen: set[tuple[str, str]] = set()

    def sees_news(self) -> bool:
        """Whether objects are there that were not at the last look. The first look sees all."""
        found: set[tuple[str, str]] = set()
        for topic in (*TOPICS, DEAD_LETTERS):
            hours = []
            for landed in lake.list_landed(self._store, topic, self._since.get(topic)):
                found.add((landed.key, landed.etag))
                hours.append(landed.folder_hour)
            if hours:
                slack = timedelta(hours=self._settings.landing_slack_hours)
                self._since[topic] = max(hours) - slack
        news = not found <= self._seen
        self._seen = found
        return news


def work(
    settings: Settings,
    dbt: Dbt,
    is_over: Callable[[], bool],
    say: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[LoadReport, list[TopicNews]] | None]:
    """Load what lands until the shift is over; yield after each load, and None at each look.

    While this is suspended the writer lock is held and nothing is under way. Warm dbt up before:
    the shift before this one works meanwhile, and is relieved within tenths of a second.
    """
    warehouse = settings.warehouse_root
    watcher = Watcher(settings)
    turns.take(warehouse)
    maintained, last, news = now(), float("-inf"), True
    try:
        while not is_over():
            news = watcher.sees_news() or news
            if now() - last >= (CYCLE_SECONDS if news else IDLE_SECONDS):
                last, news = now(), False
                yield run_load(settings, dbt, say)
            else:
                time.sleep(LOOK_SECONDS)
                yield None
            if now() - maintained >= MAINTAIN_SECONDS and keeps_files(settings):
                dbt.close()
                maintain(settings, say)
                maintained = now()
            if turns.somebody_waits(warehouse):
                say("another run waits to write: giving way")
                dbt.close()  # a rebuild swaps the warehouse's folder
                writer_lock.release(warehouse)
                if not is_over():
                    turns.take(warehouse)
    finally:
        dbt.close()
        writer_lock.release(warehouse)
