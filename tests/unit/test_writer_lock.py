"""The writer lock: one process at a time, and none that is dead."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestion.settings import ROOT
from orchestration.warehouse import write_queue, writer_lock

HOLD = """
import sys
from pathlib import Path
from orchestration.warehouse import writer_lock
writer_lock.take(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "not yet" / "warehouse"
    yield folder
    writer_lock.release(folder)


def test_taking_the_lock_makes_the_folder_and_notes_the_process(warehouse: Path) -> None:
    writer_lock.take(warehouse)
    assert (warehouse / "writer.lock").read_text() == str(os.getpid())


def test_one_process_may_take_it_twice(warehouse: Path) -> None:
    writer_lock.take(warehouse)
    writer_lock.take(warehouse)
    writer_lock.release(warehouse)
    with holder(warehouse):
        pass


def test_a_second_process_is_refused_with_a_sentence_that_names_the_first(warehouse: Path) -> None:
    with holder(warehouse) as first:
        with pytest.raises(writer_lock.WarehouseLocked) as raised:
            writer_lock.take(warehouse)
        assert f"(pid {first.pid}) is writing to {warehouse}" in str(raised.value)
        assert (warehouse / "writer.lock").read_text() == str(first.pid)


def test_a_killed_process_holds_nothing(warehouse: Path) -> None:
    with holder(warehouse) as first:
        first.kill()
        first.wait()
        writer_lock.take(warehouse)
    assert (warehouse / "writer.lock").read_text() == str(os.getpid())


def test_a_released_lock_lets_the_next_process_in(warehouse: Path) -> None:
    writer_lock.take(warehouse)
    writer_lock.release(warehouse)
    with holder(warehouse), pytest.raises(writer_lock.WarehouseLocked):
        writer_lock.take(warehouse)


def test_releasing_what_is_not_held_does_nothing(warehouse: Path) -> None:
    writer_lock.release(warehouse)


def test_warehouses_are_locked_one_by_one(warehouse: Path) -> None:
    other = warehouse.with_name("other")
    with holder(other):
        writer_lock.take(warehouse)


def test_who_waits_says_for_whom_and_a_pid_is_checked_to_be_alive(warehouse: Path) -> None:
    said: list[str] = []
    with holder(warehouse) as process:
        with pytest.raises(writer_lock.WarehouseLocked):
            write_queue.take(warehouse, patience=0.3, say=said.append)
        (waits,) = said
        assert waits.startswith(f"waiting to write to {warehouse}, for up to 0 s: another process")
        assert f"(pid {process.pid})" in waits
    assert "of another machine or container" in writer_lock.holder(warehouse)
    write_queue.take(warehouse, say=said.append)
    assert len(said) == 1, "nobody to wait for"
