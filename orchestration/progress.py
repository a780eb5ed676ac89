"""A sign of life: long loops call `progress()`, and whoever watches this process is told.

Nobody watches a command; a run of Dagster is watched, and ended when it hangs
(monitoring/heartbeat.py). So a loop needs not know who runs it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEP_SECONDS = 5.0
_watchers: list[Callable[[], None]] = []


def progress() -> None:
    """Say that this process works: nothing happens where nobody watches."""
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
    """Sleep so long on purpose, which is no hanging."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        progress()
        time.sleep(min(left, _STEP_SECONDS))
    progress()
