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

from ingestion.settings import WRITE_FAILED, Settings
from orchestration.failures import INTERNAL
from orchestration.warehouse import live_loop, write_queue, writer_lock
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


def talk_and_wait(_: Settings, say: Say) -> None:
    say(str(os.getpid()))
    time.sleep(PATIENCE)


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


def test_an_interrupt_here_ends_the_work_there(locked: Settings) -> None:
    workers: list[int] = []

    def interrupt(said: str) -> None:
        workers.append(int(said))
        raise KeyboardInterrupt

    began = time.monotonic()
    usual = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a new process inherits that
    try:
        with pytest.raises(KeyboardInterrupt):
            apart(talk_and_wait, locked, interrupt)
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert time.monotonic() - began < PATIENCE
    with pytest.raises(ProcessLookupError):
        os.kill(workers[0], 0)


def test_the_work_ends_with_its_caller_and_the_lock_with_the_work(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "warehouse"))
    program = (
        "from tests.orchestration.test_apart import *\n"
        f"settings = Settings(_env_file=None, warehouse={settings.warehouse!r})\n"
        "writer_lock.take(settings.warehouse_root)\n"
        f"apart(talk_and_wait, settings, lambda said: print(said, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        worker = int(caller.stdout.readline())
        os.kill(worker, signal.SIGSTOP)  # a process that is slow to end
        caller.kill()
        caller.wait()
        with pytest.raises(writer_lock.WarehouseLocked):
            writer_lock.take(settings.warehouse_root)
        os.kill(worker, signal.SIGCONT)
        write_queue.take(settings.warehouse_root, patience=PATIENCE)
    writer_lock.release(settings.warehouse_root)
