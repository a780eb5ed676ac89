"""A person leaves the tables and the lake on Teradata too, and what is counted stays."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from dbt_common.exceptions import DbtDatabaseError

from ingestion.lake.erased_lines import NO_JSON
from ingestion.settings import SettingsError
from orchestration.warehouse.dbt_runner import DbtFailed
from orchestration.warehouse.forget import forget, forget_old
from tests.harness.given import Line, load, stock, view
from tests.harness.persons import LEAST, NAMELESS, OTHERS, PERSON, PERSONS, letter, lines, of
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery
from tests.teradata import emulator
from tests.teradata.emulator import Fault
from tests.teradata.warehouse import Teradata, differences, tables_of

WITH_PERSONS = {
    "twist_staging.stg_clickstream__events", "twist_marts.fct_twist", "twist_audit.late_events",
    "twist_audit.quarantined_lines", "twist_audit.conflicting_copies", "twist_audit.dead_letters",
    "twist_load.load_clickstream", "twist_load.load_dead_letters",
}  # fmt: skip

WORD = re.compile(r"[A-Za-z0-9-]+")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Teradata, list[Delivery]]]:
    """The shop of tests/harness/persons.py after its first load, and its files."""
    root = tmp_path_factory.mktemp("shop")
    (root / "landing").mkdir()
    made = Teradata(root / "landing", file=root / "first.duckdb")
    # a key with an escape is set aside on Teradata alone
    files = [*load(*(each for each in lines() if b"\\u005f" not in each[1])), letter()]
    made.system.store.skips_odd_quotes = False
    made.deliver(files)
    made.load()
    yield made, files
    made.close()


@pytest.fixture
def shop(loaded: tuple[Teradata, list[Delivery]], tmp_path: Path) -> Iterator[Teradata]:
    """Its own lake and system, as they are after the first load."""
    yield (copied := copy(loaded[0], tmp_path))
    copied.close()


def copy(first: Teradata, root: Path) -> Teradata:
    """A forget follows objects by their time and size, so a copied lake keeps the times."""
    shutil.copytree(first.landing, root / "landing")
    copied = Teradata(root / "landing")
    copied.system = first.system.copy(root / "copied.duckdb")
    copied.system.store.root = root / "landing"
    copied.system.store.skips_odd_quotes = False  # else it lacks those lines, and says so
    copied.settings = copied.dbt.settings = copied.settings.model_copy(
        update={
            "landing": str(root / "landing"),
            "history": str(root / "history"),
            "overview": str(root / "overview"),
        }
    )
    return copied


def tables_with(shop: Teradata, *visitors: str) -> set[str]:
    """Every table that has one of them in a text."""
    texts = shop.system.database.execute(
        "select table_schema || '.' || table_name, list(column_name) "
        "from information_schema.columns where data_type = 'VARCHAR' "
        "and table_schema like 'twist_%' group by all"
    ).fetchall()
    found = set()
    for table, columns in texts:
        names = ", ".join(f'"{column}"' for column in columns)
        rows = shop.system.database.execute(f"select {names} from {table}").fetchall()
        if {*visitors} & {*WORD.findall(str(rows))}:
            found.add(table)
    return found


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


def erase(shop: Teradata, visitors: Iterable[str] = PERSONS) -> Any:
    emulator.use(shop.system)
    return forget(shop.settings, shop.dbt, visitors, "asked", lambda _: None)


def again() -> list[Line]:
    """Copies of the persons' lines, one of them with another channel, and a new line."""
    left_out = (NAMELESS, b"\\u005f")
    copies = [
        each for each in lines()
        if each[0] == "clickstream" and not any(text in each[1] for text in left_out)
    ]  # fmt: skip
    other = view("02 10:00", "a", offset=8003, event_id="twice", **of(PERSON, channel="app"))
    return [*copies, other, view("13 10:00", "a", **of(LEAST))]


@pytest.mark.long
def test_a_forgotten_person_leaves_teradatas_tables_and_the_lake(shop: Teradata) -> None:
    before = counted(shop)
    assert tables_with(shop, PERSON) == WITH_PERSONS
    done = erase(shop)
    assert (done.visitors, done.objects) == (3, 2)
    assert tables_with(shop, *PERSONS) == set()
    assert counted(shop) == before
    assert not [sql for sql in shop.system.requests if PERSON in sql], "the query log has no id"
    assert shop.load().objects == 0, "the audit follows rewritten objects"
    assert shop.rows(
        "audit.erasures",
        "why, done_at > asked_at, staged_rows > 0, fact_rows > 0, set_aside_rows > 0, "
        "object_count > 0",
    ) == [("asked", True, True, True, True, True)] * len(PERSONS)  # fmt: skip


@pytest.mark.long
def test_later_copies_are_loaded_without_the_person_as_on_duckdb(
    shop: Teradata, loaded: tuple[Teradata, list[Delivery]], tmp_path: Path
) -> None:
    duck = Pipeline(tmp_path / "duck")
    duck.deliver(loaded[1])
    duck.load()
    forget(duck.settings, duck.dbt, PERSONS, "asked", lambda _: None)
    erase(shop)
    later = [*load(*again()), letter(nameless=False)]
    duck.deliver(later)
    duck.load()
    shop.deliver(later)
    shop.load()
    assert tables_with(shop, *PERSONS) == set()
    persons = "visitor_id, session_id, order_id, url, referrer, user_agent, event_id"
    staged = duck.dbt.query(f"select {persons} from twist.staging.stg_clickstream__events")
    found = shop.rows("staging.stg_clickstream__events", persons)
    assert sorted(found, key=str) == sorted(staged, key=str)
    assert differences(tables_of(duck.dbt), shop.tables()) == []
    duck.run(["replay"])
    shop.replay()
    assert tables_with(shop, *PERSONS) == set()
    assert differences(tables_of(duck.dbt), shop.tables()) == []
    assert set(shop.rows("audit.conflicting_copies", "raw_line")) > {(NO_JSON,)}
    duck.close()


@pytest.mark.long
def test_a_load_that_fails_half_way_has_staged_nobody_who_is_forgotten(shop: Teradata) -> None:
    erase(shop)
    shop.deliver(load(*again()))
    rows = "staging.stg_clickstream__events", "count(*)", "event_date = date '2026-11-13'"
    for failing, staged in (("update twist_load", 0), ('into "twist_marts"', 1)):
        shop.system.fault = Fault(2646, strikes=partial(has, failing))
        with pytest.raises((DbtFailed, SettingsError), match="2646"):
            shop.load()
        assert shop.rows(*rows) == [(staged,)]
        assert {each for each in tables_with(shop, *PERSONS) if "twist_load." not in each} == set()
    shop.load()
    assert tables_with(shop, *PERSONS) == set()


def has(part: str, sql: str) -> bool:
    return part in sql.lower()


@pytest.mark.long
def test_dbt_alone_loads_nothing_once_somebody_is_forgotten(shop: Teradata) -> None:
    erase(shop)
    shop.run("run", "--select", "load_listing", "load_objects")
    with pytest.raises(DbtFailed, match=r"somebody is forgotten.*`make load`"):
        shop.run("run", "--exclude", "load_listing", "load_objects", "path:models/overview")
    shop.run("run", "--select", "path:models/marts")


CHANGES = re.compile(r"(/\*.*?\*/)?\s*(update|insert|create|drop)\b", re.DOTALL | re.IGNORECASE)


@pytest.mark.long
@pytest.mark.parametrize("after", [False, True], ids=["before it was done", "after it was done"])
def test_whatever_request_of_an_erasure_fails_the_next_one_completes_it_and_counts_once(
    after: bool, loaded: tuple[Teradata, list[Delivery]], tmp_path: Path
) -> None:
    for nth in count():
        (tmp_path / str(nth)).mkdir()
        shop = copy(loaded[0], tmp_path / str(nth))
        before, staged = counted(shop), staged_of_persons(shop)
        fault = Fault(
            804, nth, strikes=lambda sql: CHANGES.match(sql.strip()) is not None,
            loses_connection=True, after_it_was_done=after,
        )  # fmt: skip
        shop.system.fault = fault
        with suppress(DbtFailed, SettingsError, DbtDatabaseError):
            erase(shop)
        if fault.struck is None:
            break
        erase(shop)
        assert tables_with(shop, *PERSONS) == set(), fault.struck
        assert counted(shop) == before, fault.struck
        of_registry = "sum(staged_rows), count(*), count(done_at)"
        assert shop.rows("audit.erasures", of_registry) == [(staged, 3, 3)], fault.struck
        shop.close()
    assert nth > 12, "as many requests change something"


def staged_of_persons(shop: Teradata) -> int:
    names = ", ".join(f"'{who}'" for who in PERSONS)
    where = f"visitor_id in ({names})"
    ((count,),) = shop.rows("staging.stg_clickstream__events", "count(*)", where)
    return int(count)


@pytest.mark.long
def test_lines_older_than_raw_days_lose_everybody_there_and_in_later_loads(shop: Teradata) -> None:
    before = counted(shop)
    settings = shop.settings.model_copy(update={"raw_days": 10})
    events = "staging.stg_clickstream__events"
    ((staged, with_visitor),) = shop.rows(events, "count(*), count(visitor_id)")

    def nightly(day: str) -> datetime | None:
        emulator.use(shop.system)
        now = datetime.fromisoformat(f"2026-11-{day}").replace(tzinfo=UTC)
        return forget_old(settings, shop.dbt, now, lambda _: None)

    assert nightly("13") == datetime(2026, 11, 3)
    old = "arrived_at < timestamp '2026-11-03'"
    ((left,),) = shop.rows(events, "count(visitor_id)")
    assert 0 < left < with_visitor, "those of the third are not old yet"
    assert shop.rows(events, "count(visitor_id)", old) == [(0,)]
    assert nightly("13") is None
    assert counted(shop) == before
    assert shop.load().objects == 0, "the audit follows rewritten objects"

    copies = [view("02 10:20", "a", event_id="young", arrival="03 10:20", **of(OTHERS[0]))]
    copies += [view("02 10:20", "a", event_id="old", **of(OTHERS[0]))]
    copies += [view("02 10:30", "a", **of(OTHERS[0], url=["wrong"]))]
    shop.deliver(load(*copies, stock("14 10:00", "b", 1)))
    shop.load()
    found = shop.rows(events, "event_id, visitor_id, url", "event_id in ('old', 'young')")
    address = of(OTHERS[0])["url"]
    assert sorted(found) == [("old", None, None), ("young", OTHERS[0], address)]
    texts = shop.rows("audit.quarantined_lines", "raw_line", f"{old} and topic = 'clickstream'")
    assert texts
    assert not [text for (text,) in texts if {*PERSONS, *OTHERS} & {*WORD.findall(text)}]

    before = counted(shop)
    nightly("23")  # the late ones arrived on the ninth, in folders of the first
    assert nightly("23") is None
    assert shop.rows(events, "count(*), count(visitor_id)") == [(staged + 2, 0)]
    assert tables_with(shop, *PERSONS, *OTHERS) == {"twist_audit.quarantined_lines"}
    texts = shop.rows("audit.quarantined_lines", "raw_line", "arrived_at is not null")
    assert not [text for (text,) in texts if {*PERSONS, *OTHERS} & {*WORD.findall(text)}], (
        "what has no moment of its own counts from when it was set aside"
    )
    assert counted(shop) == before
    registered = "visitor_hash, staged_rows, done_at is not null"
    assert sorted(shop.rows("audit.erasures", registered)) == [
        ("", with_visitor + 1, True), ("asked", 0, True)
    ]  # fmt: skip
