"""Sixty wrong or risky statements: the rules and the stand-in together object to nearly all."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.teradata.emulator import System, TeradataError
from tests.teradata.emulator.session import Session
from tests.teradata.rules import check

MUTANTS: list[dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "rules_cases" / "mutants.yml").read_text()
)
TEXT = "varchar(32) character set unicode"
FACT = f"""(event_id {TEXT}, slot_id {TEXT}, event_ts timestamp(6), event_dt date, clicks integer,
    status_at_event {TEXT}) primary index (event_id)"""
TABLES = {
    "fct_merge": FACT,
    "fct_append": FACT,
    "availability_interval": f"(slot_id {TEXT}) primary index (slot_id)",
    "slot_dim": f"(slot_id {TEXT}) primary index (slot_id)",
    "daily": f"(slot_id {TEXT} not null, n integer) primary index (slot_id)",
}
ROW = """select 'e' as event_id, 'slot-001' as slot_id, timestamp '2026-01-01 00:00:00' as event_ts,
    date '2026-01-01' as event_dt, cast(5 as integer) as clicks, 'ok' as status_at_event"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    system = System(["dwh"], tmp_path_factory.mktemp("landing"))
    opened = system.logon(tmode="ANSI")
    for name, columns in TABLES.items():
        opened.request(f"create multiset table dwh.{name} {columns}", [])
    opened.request(f"insert into dwh.fct_merge {ROW}", [])
    opened.request(f"insert into dwh.fct_append {ROW}", [])
    opened.request("insert into dwh.daily select 'slot-001' as slot_id, 1 as n", [])
    system.check = _refused
    return opened


def _refused(sql: str) -> list[Any]:
    return list(check(sql, kind="any"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant["title"]))
def test_a_mutant_is_refused_unless_it_is_known_to_escape(
    mutant: dict[str, str], session: Session
) -> None:
    if "escapes" in mutant:
        session.request(mutant["sql"], [])
    else:
        with pytest.raises(TeradataError):
            session.request(mutant["sql"], [])


def test_at_least_54_of_60_are_refused() -> None:
    assert len(MUTANTS) == 60
    assert sum("escapes" not in mutant for mutant in MUTANTS) >= 54


def test_what_is_right_is_not_refused(session: Session) -> None:
    for sql in (
        "select slot_id, cast(sum(cast(clicks as bigint)) as bigint) as n from dwh.fct_merge "
        "group by slot_id",
        "merge into dwh.fct_merge as d using dwh.fct_append as s on d.event_id = s.event_id "
        "when matched then update set clicks = s.clicks",
        "collect statistics column (slot_id) on dwh.fct_merge",
    ):
        session.request(sql, [])
