"""One writer at a time: a lock on the warehouse that ends with the process that holds it."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ingestion.settings import TwistError


class WarehouseLocked(TwistError):
    """Another process is writing to the warehouse; the message names it."""


_held: dict[Path, TextIO] = {}


def take(warehouse: Path) -> None:
    """Take the writer lock of a warehouse folder, or raise `WarehouseLocked`.

    Taking it twice in one process is fine: the loader and the dbt runs inside it are one writer.
    """
    path = warehouse / "writer.lock"
    if path in _held:
        return
    settle(warehouse)
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


def rebuilding(warehouse: Path) -> Path:
    """The folder in which a rebuild creates the new warehouse."""
    return warehouse.with_name(warehouse.name + ".rebuilding")


def settle(warehouse: Path) -> None:
    """Move a rebuilt warehouse to the empty place of the old one.

    A rebuild moves the old one away only when the new one is complete, so if the old one is missing
    beside the new one, a rebuild was killed (or is) between its two moves.
    """
    if not warehouse.exists():
        with suppress(FileNotFoundError):
            rebuilding(warehouse).rename(warehouse)


def release(warehouse: Path) -> None:
    """Release the lock for the next writer."""
    file = _held.pop(warehouse / "writer.lock", None)
    if file:
        file.close()
