"""Long loops call `progress()`, and the watchers of this process are told.

A run of Dagster is watched, and ended when it makes no progress (monitoring/heartbeat.py). A
command is not watched; its loops are the same.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEP_SECONDS = 5.0
_watchers: list[Callable[[], None]] = []


def progress() -> None:
    """Tell the watchers that this process is working; without watchers do nothing."""
    for watcher in tuple(_watchers):
        watcher()


@contextmanager
def watched_by(watcher: Callable[[], None]) -> Iterator[None]:
    """Call the watcher at each progress within the body, in whatever thread that is made."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def wait(seconds: float) -> None:
    """Sleep for so many seconds, and report progress meanwhile."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        progress()
        time.sleep(min(left, _STEP_SECONDS))
    progress()
