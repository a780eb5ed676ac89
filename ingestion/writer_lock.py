"""One writer at a time: a lock on the warehouse that dies with the process that holds it."""

import fcntl
import os
from pathlib import Path
from typing import TextIO


class WarehouseLocked(Exception):
    """Another process is writing to the warehouse; the message names it."""


_held: dict[Path, TextIO] = {}


def take(warehouse: Path) -> None:
    """Take the writer lock of a warehouse folder, or raise `WarehouseLocked`.

    Taking it twice in one process is fine: the loader and the dbt runs inside it are one writer.
    """
    path = warehouse / "writer.lock"
    if path in _held:
        return
    warehouse.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise WarehouseLocked(
            f"another process (pid {holder}) is writing to {warehouse}: nothing was done; "
            "wait until it ends and try again"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[path] = file


def release(warehouse: Path) -> None:
    """Let the next writer in."""
    file = _held.pop(warehouse / "writer.lock", None)
    if file:
        file.close()
