"""One writer at a time: a lock on the warehouse that ends with the process that holds it."""

import fcntl
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

from ingestion.settings import LOCKED, TwistError
from orchestration.warehouse.private import create_private
from orchestration.warehouse.swap import settle


class WarehouseLocked(TwistError):
    """Another process is writing to the warehouse; the message names it."""

    status = LOCKED


_held: dict[Path, TextIO | Connection] = {}


def take(warehouse: Path) -> None:
    """Take the writer lock of a warehouse folder, or raise `WarehouseLocked`.

    Taking it twice in one process is fine: the loader and the dbt runs inside it are one writer.
    """
    path = warehouse / "writer.lock"
    if path in _held:
        return
    settle(warehouse)
    create_private(warehouse)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise WarehouseLocked(
            f"{holder(warehouse)} is writing to {warehouse}: nothing was done; "
            "wait until it ends and try again"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[path] = file


def holder(warehouse: Path) -> str:
    """Who wrote to the warehouse last, and does so now if the lock is taken."""
    try:
        pid = int((warehouse / "writer.lock").read_text().strip())
    except (OSError, ValueError):
        return "another process"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return f"a process of another machine or container (pid {pid} is none of this one's)"
    except PermissionError:
        pass  # another user's
    return f"another process (pid {pid})"


def release(warehouse: Path) -> None:
    """Release the lock for the next writer."""
    file = _held.pop(warehouse / "writer.lock", None)
    if file:
        file.close()


def shared(warehouse: Path) -> Connection:
    """The lock that this process holds, in the one form that a spawned process can be given."""
    return Connection(os.dup(_held[warehouse / "writer.lock"].fileno()))


def keep_shared(warehouse: Path, lock: Connection) -> None:
    """Hold the lock of the process that started this one, until both have let go of it."""
    _held[warehouse / "writer.lock"] = lock
