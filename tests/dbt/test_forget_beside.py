"""`make forget` as a process: killed at random moments, beside loads and readers, and for many."""

import os
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.settings import LOCKED, Settings
from ingestion.simulation.simulator import write_landing
from orchestration.erasure.search import search
from tests.dbt.test_concurrency import Readers, wait_for_lock
from tests.harness.killed_shop import DIRTY
from tests.harness.persons import counted
from tests.harness.processes import THEN, Warm, command, run_warm
from tests.harness.tables import query

pytestmark = pytest.mark.long


def shop(root: Path, **knobs: object) -> Settings:
    settings = Settings(
        _env_file=None, landing=str(root / "landing"), warehouse=str(root / "warehouse"),
        history=str(root / "history"), overview=str(root / "overview"), landing_slack_hours=240,
    )  # fmt: skip
    write_landing(replace(DIRTY, **knobs), root / "landing")  # type: ignore[arg-type]
    run_warm(settings, root / "log", "load", THEN, "export")
    return settings


def visitors(settings: Settings, most: int) -> list[str]:
    found = query(
        settings,
        "select visitor_id from staging.stg_clickstream__events where visitor_id is not null "
        "group by all order by count(*) desc, visitor_id",
    )
    return [visitor for (visitor,) in found][:most]


def listed(root: Path, ids: list[str]) -> tuple[str, ...]:
    (root / "ids").write_text("\n".join(ids))
    return "forget", "--file", str(root / "ids"), "--why", "asked"


def test_twenty_kills_at_random_moments_leave_nothing_behind(tmp_path: Path) -> None:
    settings, rng = shop(tmp_path), random.Random(7)
    ids = visitors(settings, 25)
    before, longest, kills = counted(settings), 5.0, 0
    for _ in range(80):
        if kills == 20:
            break
        running = Warm(settings, tmp_path / "log", *listed(tmp_path, ids[: kills + 5]))
        if running.ends_before(rng.uniform(0.05, longest)):
            assert running.status() == 0, running.output()
            longest *= 0.9
            continue
        running.kill()
        kills += 1
        if kills % 4 == 0:
            run_warm(settings, tmp_path / "log", "load")
            assert counted(settings) == before
    assert kills == 20
    said = run_warm(settings, tmp_path / "log", *listed(tmp_path, ids))
    assert "nothing of them is left in" in said
    assert search(settings, ids).found == []
    assert counted(settings) == before
    run_warm(settings, tmp_path / "log", "load", THEN, "rebuild")
    assert counted(settings) == before
    assert query(settings, "select count(*) from audit.erasures where done_at is null") == [(0,)]


def test_a_load_beside_it_is_refused_and_readers_see_each_row(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    ids = visitors(settings, 10)
    readers = Readers(settings)
    with readers.at_work():
        running = Warm(settings, tmp_path / "log", *listed(tmp_path, ids))
        wait_for_lock(settings, running.pid)
        refused = command("load", settings=settings)
        assert running.status() == 0, running.output()
    assert refused.returncode == LOCKED
    assert readers.wrong == []
    assert readers.answers > 10
    assert search(settings, ids).found == []


def test_beside_a_load_it_is_refused_and_nothing_is_erased(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    ids = visitors(settings, 3)
    before = search(settings, ids).found
    running = Warm(settings, tmp_path / "log", "load")
    wait_for_lock(settings, running.pid)
    os.kill(running.pid, signal.SIGSTOP)  # so that it is surely still there
    refused = command(*listed(tmp_path, ids), settings=settings)
    os.kill(running.pid, signal.SIGCONT)
    assert running.status() == 0, running.output()
    assert refused.returncode == LOCKED
    assert f"(pid {running.pid}) is writing to" in refused.stderr
    assert search(settings, ids).found == before


def test_many_visitors_at_once_rewrite_each_object_once_in_bounded_memory(tmp_path: Path) -> None:
    settings = shop(tmp_path, views=90_000, hours=240, styles=40)
    ids = visitors(settings, 10_000)
    assert len(ids) == 10_000
    before = counted(settings)
    stamps = {path: path.stat().st_ino for path in (tmp_path / "landing").rglob("*.gz")}
    running = Warm(settings, tmp_path / "log", *listed(tmp_path, ids))
    peak = 0
    while not running.ends_within(0.05):
        peak = max(peak, running.resident_bytes())
    said = running.output()
    assert running.status() == 0, said
    assert 100e6 < peak < 2e9
    changed = [path for path, number in stamps.items() if path.stat().st_ino != number]
    assert f"{len(changed):,} landed objects" in said
    assert counted(settings) == before
    assert query(settings, "select count(*) from audit.erasures") == [(len(ids),)]
