"""One writer at a time, in turn: across processes, and when one of them is killed."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from orchestration.warehouse import write_queue, writer_lock
from orchestration.warehouse.writer_lock import WarehouseLocked

PATIENCE = 60.0
_processes = multiprocessing.get_context("forkserver")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it does not come to pass"
        time.sleep(0.02)


def _write_once(warehouse: Path, log: Path, name: str) -> None:
    with write_queue.turn(warehouse), log.open("a") as file:
        file.write(f"{name} begins\n")
        file.flush()
        time.sleep(0.2)
        file.write(f"{name} ends\n")


def write_always(warehouse: Path, log: Path) -> None:
    """As live mode does: cycle after cycle, giving way between them."""
    write_queue.take(warehouse)
    while True:
        with log.open("a") as file:
            file.write("loop begins\n")
            file.flush()
            time.sleep(0.05)
            file.write("loop ends\n")
        if write_queue.somebody_waits(warehouse):
            writer_lock.release(warehouse)
            write_queue.take(warehouse)


def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = _processes.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def test_a_loop_gives_way_to_each_who_waits_and_nobody_writes_beside_another(
    tmp_path: Path,
) -> None:
    warehouse, log = tmp_path / "warehouse", tmp_path / "log"
    loop = start(write_always, warehouse, log)
    try:
        wait_until(lambda: log.exists() and "loop ends" in log.read_text())
        others = [start(_write_once, warehouse, log, f"run {n}") for n in range(3)]
        for other in others:
            other.join(PATIENCE)
            assert other.exitcode == 0
        cycles = log.read_text().count("loop ends")
        wait_until(lambda: log.read_text().count("loop ends") > cycles + 1)
    finally:
        loop.kill()
        loop.join()
    lines = log.read_text().splitlines()
    for begun, ended in zip(lines[::2], lines[1::2], strict=False):
        assert (begun.split(" begins")[0], ended.endswith("ends")) == (
            ended.split(" ends")[0],
            True,
        )
    assert {f"run {n} ends" for n in range(3)} <= set(lines)


def test_a_killed_writer_and_a_killed_waiter_leave_no_lock(tmp_path: Path) -> None:
    warehouse, log = tmp_path / "warehouse", tmp_path / "log"
    loop = start(write_always, warehouse, log)
    wait_until(lambda: log.exists() and "loop ends" in log.read_text())
    assert loop.pid
    os.kill(loop.pid, signal.SIGSTOP)
    waiter = start(_write_once, warehouse, log, "waiter")
    wait_until(lambda: write_queue.somebody_waits(warehouse))
    assert write_queue.waited_for(warehouse) == f"another process (pid {loop.pid})"
    waiter.kill()
    waiter.join()
    assert not write_queue.somebody_waits(warehouse)
    assert write_queue.waited_for(warehouse) == ""
    loop.kill()
    loop.join()
    with write_queue.turn(warehouse, patience=5):
        pass


def test_whoever_waits_too_long_is_told_who_writes(tmp_path: Path) -> None:
    warehouse, log = tmp_path / "warehouse", tmp_path / "log"
    loop = start(write_always, warehouse, log)
    wait_until(lambda: log.exists() and "loop ends" in log.read_text())
    assert loop.pid
    os.kill(loop.pid, signal.SIGSTOP)
    try:
        with pytest.raises(WarehouseLocked, match=rf"pid {loop.pid}\) is writing to"):
            write_queue.take(warehouse, patience=0.3)
        assert not write_queue.somebody_waits(warehouse)
    finally:
        loop.kill()
        loop.join()


def test_nobody_waits_where_there_is_no_warehouse(tmp_path: Path) -> None:
    assert not write_queue.somebody_waits(tmp_path / "none")


def test_the_queue_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with write_queue.turn(tmp_path / "warehouse"):
            os.umask(0o022)
    finally:
        os.umask(before)
    (queue,) = tmp_path.glob("*.next")
    assert queue.stat().st_mode & 0o777 == 0o600
