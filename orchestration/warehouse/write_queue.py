"""The queue for the writer lock: who may wait for it, and how a looping writer releases it.

`make load` refuses while another process writes. Dagster's runs wait instead: a waiting process
holds `<warehouse>.next` until it has the writer lock, so a writer that loops (live mode) sees
between two cycles that another process waits, releases the lock, and queues behind it. Both locks
end with their process; at any moment one process writes, and at most one is next.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from orchestration.progress import progress
from orchestration.warehouse import writer_lock
from orchestration.warehouse.private import privately
from orchestration.warehouse.writer_lock import WarehouseLocked

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 3600.0


@contextmanager
def turn(
    warehouse: Path,
    patience: float = PATIENCE_SECONDS,
    say: Callable[[str], object] = lambda _: None,
) -> Iterator[None]:
    """Hold the writer lock, after waiting in the queue for it.

    Raises:
        WarehouseLocked: the lock was not free for `patience` seconds.
    """
    take(warehouse, patience, say=say)
    try:
        yield
    finally:
        writer_lock.release(warehouse)


def take(
    warehouse: Path,
    patience: float = PATIENCE_SECONDS,
    wait: Callable[[float], None] = time.sleep,
    say: Callable[[str], object] = lambda _: None,
) -> None:
    """Wait for the writer lock, as the next in line; `say` for whom, when it begins and changes."""
    began = time.monotonic()
    deadline = began + patience
    path = _next(warehouse)
    path.parent.mkdir(parents=True, exist_ok=True)
    waits_for = ""

    def say_for_whom() -> None:
        nonlocal waits_for
        progress()  # who waits for a turn does not hang: `patience` ends it
        now = writer_lock.holder(warehouse)
        if now != waits_for:
            waits_for = now
            say(f"waiting to write to {warehouse}, for up to {patience:,.0f} s: {now} writes to it")

    with _opened(path) as place:
        while not _locked(place.fileno()):
            say_for_whom()
            if time.monotonic() > deadline:
                raise WarehouseLocked(
                    f"timed out after {patience:.0f} s waiting for the writer lock on {warehouse}: "
                    "nothing was done; see which run holds the warehouse, and stop it or wait"
                )
            wait(POLL_SECONDS)
        while True:
            with suppress(WarehouseLocked):
                writer_lock.take(warehouse)
                if waits_for:
                    say(f"waited for {time.monotonic() - began:,.0f} s")
                return
            say_for_whom()
            if time.monotonic() > deadline:
                writer_lock.take(warehouse)  # raises, naming the process that writes
            wait(POLL_SECONDS)


def somebody_waits(warehouse: Path) -> bool:
    """Whether another process or run is next in line."""
    path = _next(warehouse)
    if not path.exists():
        return False
    with _opened(path) as place:
        return not _locked(place.fileno())


def waited_for(warehouse: Path) -> str:
    """Who writes to the warehouse while another run waits for it; '' where nobody waits."""
    try:
        return writer_lock.holder(warehouse) if somebody_waits(warehouse) else ""
    except OSError:  # a reader may not open the queue
        return ""


def _next(warehouse: Path) -> Path:
    if os.access(warehouse.parent, os.W_OK) or not warehouse.exists():
        return warehouse.with_name(warehouse.name + ".next")
    return warehouse / "writer.next"  # a mount point in another user's folder


def _opened(path: Path) -> TextIO:
    """The queue, created for its owner alone: who can open it can hold up the writers."""
    with privately():
        return path.open("a")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
