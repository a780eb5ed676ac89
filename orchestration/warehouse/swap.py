"""Where a rebuild keeps the new warehouse and the old one, and how one takes the other's place.

Beside the warehouse's folder, whose name two moves pass on; inside of it where it is a mount point,
which cannot be moved: then its entries are. Whatever a kill leaves half done, `settle` completes.
"""

import fcntl
import os
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

COMPLETE, EMPTIED = "swap.complete", "swap.emptied"
"""Files in the new warehouse: it is complete; and the old one's entries have been moved away."""
STAMP = "%Y%m%dT%H%M%S.%fZ"
PATIENCE_SECONDS = 10.0


def rebuilding(warehouse: Path) -> Path:
    """The folder in which a rebuild creates the new warehouse."""
    return _place(warehouse, "rebuilding")


def replaced(warehouse: Path) -> Path:
    """The folder of the warehouses that rebuilds have replaced, each named by the moment."""
    return _place(warehouse, "replaced")


def _place(warehouse: Path, name: str) -> Path:
    if os.path.ismount(warehouse):
        return warehouse / f".{name}"
    return warehouse.with_name(f"{warehouse.name}.{name}")


def swap(warehouse: Path) -> Path:
    """Put the new warehouse into the place of the old one; return where the old one is kept.

    The caller holds the writer lock of both.
    """
    fresh = rebuilding(warehouse)
    replaced(warehouse).mkdir(mode=0o700, exist_ok=True)
    stamp = datetime.now(UTC).strftime(STAMP)
    (fresh / COMPLETE).write_text(stamp)
    if fresh.parent == warehouse:
        _move_entries(warehouse)
    else:
        warehouse.rename(replaced(warehouse) / stamp)
        _rename_complete(warehouse)
    return replaced(warehouse) / stamp


def settle(warehouse: Path) -> None:
    """Complete a swap during which its process was killed.

    A rebuild begins to move the old one only when the new one is complete and says so: then, if
    the old one is missing beside it, a rebuild was killed (or is) between its two moves. One that
    is not complete is left where it is: somebody else has moved the old one away.
    """
    with suppress(FileNotFoundError, PermissionError):  # another process was faster; a reader
        if not warehouse.exists():
            _rename_complete(warehouse)
        elif (warehouse / ".rebuilding" / COMPLETE).exists():
            _settle_entries(warehouse)


def _rename_complete(warehouse: Path) -> None:
    fresh = warehouse.with_name(f"{warehouse.name}.rebuilding")
    if (fresh / COMPLETE).exists():
        fresh.rename(warehouse)
        (warehouse / COMPLETE).unlink(missing_ok=True)


def _settle_entries(warehouse: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with (warehouse / "writer.lock").open("a") as lock:
        while (warehouse / ".rebuilding" / COMPLETE).exists() and time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(0.05)  # the rebuild itself is at it
            else:
                _move_entries(warehouse)


def _move_entries(warehouse: Path) -> None:
    fresh = warehouse / ".rebuilding"
    old = warehouse / ".replaced" / (fresh / COMPLETE).read_text()
    kept = {".rebuilding", ".replaced", "writer.lock", "lost+found"}
    if not (fresh / EMPTIED).exists():
        old.mkdir(mode=0o700, exist_ok=True)
        for entry in [each for each in warehouse.iterdir() if each.name not in kept]:
            entry.rename(old / entry.name)
        (fresh / EMPTIED).touch()
    for entry in [each for each in fresh.iterdir() if each.name not in {COMPLETE, EMPTIED, *kept}]:
        entry.rename(warehouse / entry.name)
    shutil.rmtree(fresh)


def remove_killed(warehouse: Path) -> bool:
    """Remove what a killed rebuild has left; the caller holds the writer lock."""
    fresh = rebuilding(warehouse)
    if not fresh.exists():
        return False
    shutil.rmtree(fresh)
    return True


def replaced_ones(warehouse: Path) -> dict[Path, datetime]:
    """The warehouses that rebuilds have replaced, and when."""
    found = {}
    folder = replaced(warehouse)
    for kept in sorted(folder.iterdir()) if folder.is_dir() else []:
        with suppress(ValueError):
            found[kept] = datetime.strptime(kept.name, STAMP).replace(tzinfo=UTC)
    return found


def remove_replaced(warehouse: Path, keep_days: int) -> list[Path]:
    """Remove the replaced warehouses that were kept long enough; return which."""
    oldest = datetime.now(UTC) - timedelta(days=keep_days)
    gone = [path for path, at in replaced_ones(warehouse).items() if at <= oldest]
    for path in gone:
        shutil.rmtree(path)
    with suppress(OSError):
        replaced(warehouse).rmdir()  # where it is empty
    return gone
