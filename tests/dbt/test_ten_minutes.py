"""Readers, loads, maintenance, exports and overviews beside one another, for ten minutes.

No reader fails, no count goes back, and every answer balances: readers see a load's tables as they
were before it or after it, never between two models.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestion.settings import Settings
from tests.harness.killed_shop import KilledShop
from tests.harness.processes import Warm, run_warm
from tests.harness.tables import queries

SECONDS = float(os.environ.get("TEN_MINUTES_ARE", "600"))
COUNTS = {
    "views": "select count(*) from marts.fct_twist",
    "hourly": "select coalesce(sum(views), 0) from marts.fct_twist_hourly",
    "daily": "select coalesce(sum(views), 0) from marts.twist_daily",
    "loaded": "select coalesce(sum(loaded), 0) from audit.landed_objects",
    "staged": "select count(*) from staging.stg_clickstream__events",
    "out": "select coalesce(sum(out_of_stock_views), 0) from marts.fct_twist_hourly",
    "lost": "select coalesce(sum(lost_views), 0) from marts.fct_lost_demand_hourly",
}
GROWS = ("views", "hourly", "daily", "loaded", "staged")


class Reader:
    """Asks for all counts at one moment, again and again, each time on a fresh connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answers = 0
        self.wrong: list[str] = []
        self._most: dict[str, int] = {}

    def ask(self) -> None:
        statement = "select " + ", ".join(f"({sql}) as {name}" for name, sql in COUNTS.items())
        try:
            ((row,),) = queries(self.settings, statement)
        except Exception as error:  # whatever a reader meets is what is tested
            self.wrong.append(f"{type(error).__name__}: {error}")
            return
        found = dict(zip(COUNTS, row, strict=True))
        for name in GROWS:
            if found[name] < self._most.get(name, 0):
                self.wrong.append(f"{name}: {found[name]} after {self._most[name]}")
            self._most[name] = max(found[name], self._most.get(name, 0))
        if not found["views"] == found["hourly"] == found["daily"] or found["out"] != found["lost"]:
            self.wrong.append(f"unbalanced: {found}")
        self.answers += 1


@contextmanager
def again_and_again(*works: Callable[[], object]) -> Iterator[None]:
    """Each in a thread of its own."""
    stop = threading.Event()

    def run(work: Callable[[], object]) -> None:
        while not stop.wait(0.02):
            work()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.long
def test_nobody_fails_and_every_answer_balances_for_ten_minutes(tmp_path: Path) -> None:
    shop = KilledShop(tmp_path, seed=22)
    places = {"history": str(tmp_path / "history"), "overview": str(tmp_path / "overview")}
    settings = shop.settings.model_copy(update=places)
    shop.land(40)
    run_warm(settings, tmp_path / "log", "load")
    run_warm(settings, tmp_path / "log", "overview")  # creates its SQL views, which is to write
    readers = [Reader(settings) for _ in range(3)]
    ended: dict[str, list[int]] = {"export": [], "overview": []}

    def command(name: str) -> Callable[[], object]:
        return lambda: ended[name].append(Warm(settings, tmp_path / f"{name}.log", name).status())

    began, rounds = time.monotonic(), 0
    with again_and_again(*(reader.ask for reader in readers), *map(command, ended)):
        while time.monotonic() - began < SECONDS:
            shop.land(max(1, 40 - rounds))
            run_warm(settings, tmp_path / "log", "load")
            if rounds % 3 == 2:
                run_warm(settings, tmp_path / "log", "maintain", "--keep", "1")
            rounds += 1
    assert [reader.wrong[:3] for reader in readers] == [[], [], []]
    assert all(reader.answers for reader in readers)
    assert set(ended["export"]) == {0}, (tmp_path / "export.log").read_text()
    assert set(ended["overview"]) == {0}, (tmp_path / "overview.log").read_text()
