"""Whatever request of a cycle fails, the next cycle makes the same tables."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest

from orchestration.warehouse.dbt_runner import DbtFailed
from tests.harness.given import load, packed, sku, stock, view
from tests.harness.referee import Delivery
from tests.teradata.emulator import Fault, System
from tests.teradata.warehouse import Rows, Teradata, differences

FAULTS: list[Callable[[int], Fault]] = [
    lambda nth: Fault(2631, nth),
    lambda nth: Fault(2646, nth),
    lambda nth: Fault(804, nth, loses_connection=True),
    lambda nth: Fault(804, nth, loses_connection=True, after_it_was_done=True),
]
"""Deadlock, spool space, connection lost before the request was done, or after it."""
CLOCKS = {"listed_at", "audited_at", "quarantined_at", "replayed_at"}
"""Columns that say when a load did something."""
PARTS = 24
"""Of a cycle's 600 requests: each part is a few minutes."""
TRIED = range(PARTS) if os.environ.get("EVERY_REQUEST") else (0, 12)


def first_files() -> list[Delivery]:
    return load(
        sku("a", size_share=0.6), sku("b", size_share=0.4),
        stock("02 08:00", "a", 3), stock("02 08:00", "b", 1, "S1"),
        view("02 10:00", "a"), view("02 10:05"), view("02 11:00", "b", user_agent="a bot"),
    )  # fmt: skip


def later_files() -> list[Delivery]:
    """Late and repeated events, a new day, a changed catalog, a line set aside, a bad object."""
    again = view("02 10:30", "b", arrival="03 09:00")
    files = load(
        again, again, view("03 10:00"), view("27 10:00", arrival="03 09:30", event_ts="x"),
        stock("02 09:30", "a", 0, arrival="03 08:00"), stock("03 09:00", "b", 2, "S2"),
        sku("c", "03 00:00"), sku("b", "03 00:00", is_active=False),
    )  # fmt: skip
    cut = Delivery(files[0].key.replace("hour=00", "hour=01"), packed(b"{}")[:-9])
    return [*files, cut]


@dataclass
class Shop:
    """A warehouse after its first load, the files of the second, and what they come to."""

    teradata: Teradata
    after_first_load: System
    expected: dict[str, Rows]
    requests: int
    numbers: Iterator[int] = field(default_factory=count)
    made_up: set[tuple[bool, int]] = field(default_factory=set)
    """What failed loads left, of which a load is known to make the tables as expected."""

    def cycle(self, fault: Fault, root: Path) -> list[str]:
        """Fail once, load again; what differs then.

        Most requests that fail leave what others left too: of the same tables with the same rows
        a second load is not tried again.
        """
        # A name of its own: DuckDB would take a file that is still open for the same one.
        self.teradata.system = self.after_first_load.copy(root / f"{next(self.numbers)}.duckdb")
        self.teradata.system.fault = fault
        try:
            self.teradata.load()
        except Exception:  # whatever dbt makes of it
            assert fault.struck is not None
        left = fault.loses_connection, state_of(self.teradata.system)
        if left in self.made_up:
            return []
        self.teradata.load()
        found = differences(self.expected, self.teradata.tables())
        if not found:
            self.made_up.add(left)
        return found


def state_of(system: System) -> int:
    """Every table that stands and every row in it, but for moments of the clock, as a number."""
    tables, reader = [], system.database.cursor()  # the request that failed may be rolling back
    for (database, name), (table, columns) in system.catalogue.saved().items():
        kept = ", ".join(column.name for column in columns if column.name not in CLOCKS)
        rows = (
            reader.execute(f'select {kept} from {database}."{name}"').fetchall()
            if table.kind not in ("V", "F")
            else []
        )
        without_time = re.sub(r"\d{6,}", "", name)
        tables.append((database, without_time, kept, tuple(sorted(map(repr, rows)))))
    return hash(tuple(sorted(tables)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("shop")
    teradata = Teradata(root / "landing", file=root / "first.duckdb")
    teradata.deliver(first_files())
    teradata.load()
    after_first_load = teradata.system
    teradata.deliver(later_files())
    teradata.system = after_first_load.copy(root / "second.duckdb")
    teradata.load()
    expected, requests = teradata.tables(), len(teradata.system.requests)
    assert all(expected[name] for name in ("fct_twist", "quarantined_lines", "landed_objects"))
    yield Shop(teradata, after_first_load, expected, requests)
    teradata.close()
    shutil.rmtree(root)


@pytest.mark.long
def test_a_failed_request_is_made_up_for(shop: Shop, tmp_path: Path) -> None:
    rng = Random(4)
    for make, nth in zip(FAULTS[1:3], rng.sample(range(60, shop.requests), 2), strict=True):
        assert shop.cycle(make(nth), tmp_path) == []


@pytest.mark.long
def test_the_second_statement_of_a_rebuild_may_fail(shop: Shop, tmp_path: Path) -> None:
    """CREATE is done, INSERT is not: the table stands empty until the next load, and no longer."""
    shop.teradata.system = shop.after_first_load.copy(tmp_path / "copy.duckdb")
    shop.teradata.load()
    fault = Fault(2646, strikes=lambda sql: 'insert into "twist_marts"."fct_twist"' in sql.lower())
    shop.teradata.system.fault = fault
    with pytest.raises(DbtFailed, match="2646"):
        shop.teradata.run("run", "--full-refresh", "--select", "fct_twist")
    assert shop.teradata.rows("marts.fct_twist") == []
    shop.teradata.run("run", "--select", "fct_twist+")
    assert differences(shop.expected, shop.teradata.tables()) == []


@pytest.mark.long
@pytest.mark.parametrize("part", TRIED)
def test_every_request_of_a_cycle_may_fail(part: int, shop: Shop, tmp_path: Path) -> None:
    """One in twelve of them; all, in an hour, with EVERY_REQUEST=1."""
    for nth in range(part, shop.requests, PARTS):
        found = shop.cycle(FAULTS[(nth // PARTS) % len(FAULTS)](nth), tmp_path)
        assert found == [], f"request {nth}: {found[:5]}"
