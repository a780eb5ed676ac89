"""What DuckLake's maintenance does in a process of its own: a crash there ends nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import LOCKED, WRITE_FAILED, Settings
from orchestration.failures import INTERNAL
from orchestration.warehouse import live_loop, writer_lock
from orchestration.warehouse.apart import Crashed, FailedApart, apart
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.processes import PATIENCE

Say = Callable[[str], None]


def talk(settings: Settings, say: Say, what: str) -> None:
    say(f"{what} by pid {os.getpid()}")


def crash(_: Settings, say: Say, tries: str, times: int) -> None:
    with Path(tries).open("a") as file:
        file.write(".")
    say("working")
    if len(Path(tries).read_text()) <= times:
        os.kill(os.getpid(), signal.SIGSEGV)


def crash_once(settings: Settings, say: Say) -> None:
    crash(settings, say, str(settings.warehouse_root / "tries"), 1)


def fill_the_disk(_: Settings, __: Say) -> None:
    raise duckdb.IOException("No space left on device")


def wait_for(_: Settings, say: Say, file: str) -> None:
    say("it works")
    while not Path(file).exists():
        time.sleep(0.01)


@pytest.fixture
def locked(tmp_path: Path) -> Settings:
    """A warehouse that this process writes to."""
    settings = Settings(warehouse=str(tmp_path / "warehouse"))
    writer_lock.take(settings.warehouse_root)
    return settings


def test_it_is_another_process_and_what_it_says_is_said_here(locked: Settings) -> None:
    said: list[str] = []
    apart(talk, locked, said.append, "hello")
    (sentence,) = said
    assert sentence.startswith("hello by pid ")
    assert not sentence.endswith(f" {os.getpid()}")


def test_what_crashes_once_is_run_again(locked: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    apart(crash, locked, said.append, str(tmp_path / "tries"), 1)
    assert said == ["working", "crash ended with SIGSEGV: it runs again", "working"]


def test_what_crashes_each_time_is_one_sentence_with_a_cure(
    locked: Settings, tmp_path: Path
) -> None:
    with pytest.raises(Crashed, match=r"^crash ended with SIGSEGV, 2 times: .*make maintain"):
        apart(crash, locked, lambda _: None, str(tmp_path / "tries"), 9)
    assert (tmp_path / "tries").read_text() == ".."
    assert Crashed.status == INTERNAL


def test_live_mode_goes_on_when_maintenance_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        _env_file=None, warehouse=str(tmp_path / "warehouse"), landing=str(tmp_path / "landing")
    )
    (tmp_path / "landing").mkdir()
    monkeypatch.setattr(live_loop, "load", lambda *_, **__: None)
    monkeypatch.setattr(live_loop, "maintain", crash_once)
    said: list[str] = []
    polls, minutes = iter(range(3)), iter(range(0, 6000, 60))
    shift = live_loop.work(
        settings, Dbt(settings), lambda: next(polls, None) is None, said.append,
        lambda: float(next(minutes)),
    )  # fmt: skip
    assert len(list(shift)) == 3
    assert said == ["working", "crash_once ended with SIGSEGV: it runs again", "working"]


def test_what_fails_keeps_its_sentence_and_exit_status(locked: Settings) -> None:
    with pytest.raises(FailedApart, match=r"the disk is full: .*make room") as failed:
        apart(fill_the_disk, locked, lambda _: None)
    assert failed.value.status == WRITE_FAILED


def test_an_interrupt_here_ends_the_work_there(locked: Settings, tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # it would wait for ever
        apart(wait_for, locked, interrupt, str(tmp_path / "never"))


def test_nobody_else_writes_until_the_work_of_a_killed_process_has_ended(tmp_path: Path) -> None:
    settings, go_on = Settings(warehouse=str(tmp_path / "warehouse")), tmp_path / "go on"
    program = (
        "from tests.orchestration.test_apart import *\n"
        f"settings = Settings(warehouse={settings.warehouse!r})\n"
        "writer_lock.take(settings.warehouse_root)\n"
        f"apart(wait_for, settings, lambda said: print(said, flush=True), {str(go_on)!r})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "it works\n"
        caller.kill()
        caller.wait()
        with pytest.raises(writer_lock.WarehouseLocked) as refused:
            writer_lock.take(settings.warehouse_root)
        assert refused.value.status == LOCKED
        go_on.touch()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                writer_lock.take(settings.warehouse_root)
                break
            except writer_lock.WarehouseLocked:
                assert time.monotonic() < deadline, "the lock is never free"
                time.sleep(0.05)
