"""A person leaves the tables and the lake on Teradata too, and what is counted stays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.warehouse.forget import forget
from tests.harness.given import load, view
from tests.harness.persons import NAMELESS, PERSON, PERSONS, letter, lines, of
from tests.teradata import emulator
from tests.teradata.warehouse import Teradata

pytestmark = pytest.mark.long
TABLES = (
    "staging.stg_clickstream__events", "marts.fct_twist", "audit.late_events",
    "audit.quarantined_lines", "audit.conflicting_copies", "audit.dead_letters", "audit.erasures",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Teradata]:
    (tmp_path / "landing").mkdir()
    made = Teradata(tmp_path / "landing")
    made.settings = made.dbt.settings = made.settings.model_copy(
        update={
            "landing": str(tmp_path / "landing"),
            "history": str(tmp_path / "history"),
            "overview": str(tmp_path / "overview"),
        }
    )
    yield made
    made.close()


def tables_with(shop: Teradata, *visitors: str) -> set[str]:
    return {
        table
        for table in TABLES
        for row in shop.rows(table)
        for who in visitors
        if f"{who}" in str(row).replace(f"{PERSON}2", "")
    }


def counted(shop: Teradata) -> dict[str, Any]:
    found: dict[str, Any] = dict(shop.tables())
    found["fct_twist"] = sorted(
        shop.rows("marts.fct_twist", "* exclude (visitor_id, session_id, load_id, state_from)")
    )
    kept = {"landed_objects": "object_key, status, lines, loaded, duplicates, late, quarantined"}
    for name in ("quarantined_lines", "late_events"):
        kept[name] = "topic, object_key, kafka_partition, kafka_offset"
    for name, columns in kept.items():
        found[name] = sorted(shop.rows(f"audit.{name}", columns), key=str)
    return found


def test_a_forgotten_person_leaves_teradatas_tables_and_the_lake(shop: Teradata) -> None:
    shop.deliver([*load(*lines()), letter()])
    shop.load()
    before = counted(shop)
    assert tables_with(shop, PERSON) == set(TABLES) - {"audit.erasures"}
    emulator.use(shop.system)
    done = forget(shop.settings, shop.dbt, PERSONS, "asked", lambda _: None)
    assert (done.visitors, done.objects) == (3, 2)
    assert tables_with(shop, *PERSONS) == set()
    assert counted(shop) == before
    assert shop.load().objects == 0, "the audit follows rewritten objects"
    assert shop.rows("audit.erasures", "count(*), count(done_at)") == [(3, 3)]

    again = [each for each in lines() if each[0] == "clickstream" and NAMELESS not in each[1]]
    shop.deliver(load(*again, view("13 10:00", "a", **of(PERSON))))
    shop.load()
    assert tables_with(shop, *PERSONS) == set()
