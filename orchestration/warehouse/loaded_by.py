"""Who loaded last: a small file in the warehouse's folder, for those who only see the tables."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ingestion.settings import Settings

FILE = "loaded_by.json"
DAGSTER = "Dagster's "
"""How the name of a load begins that Dagster itself reports."""
_runner: list[str] = []


class LoadedBy(NamedTuple):
    """The newest load that loaded something, and the program that ran it."""

    load_id: int
    who: str


@contextmanager
def dagster_job(name: str) -> Iterator[None]:
    """Loads within are those of a job of Dagster."""
    _runner.append(f"{DAGSTER}{name}")
    try:
        yield
    finally:
        _runner.pop()


def note(settings: Settings, load_id: int) -> None:
    """Note that this process has run a load."""
    by = {"load_id": load_id, "who": _this_process()}
    part = settings.warehouse_root / f"{FILE}.part"
    part.write_text(json.dumps(by) + "\n")
    part.replace(settings.warehouse_root / FILE)


def read(settings: Settings) -> LoadedBy | None:
    """What was noted last; None where nothing is, or it cannot be read."""
    try:
        by = json.loads((settings.warehouse_root / FILE).read_text())
        return LoadedBy(int(by["load_id"]), str(by["who"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _this_process() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        user = str(os.getuid())
    return f"{_runner[-1] if _runner else ' '.join(['make', *sys.argv[1:2]])}, user {user}"
