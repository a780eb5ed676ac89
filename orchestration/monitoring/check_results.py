"""The latest results of dbt's tests, Great Expectations and our own checks, in a small file.

Dagster keeps the full history, with the rows that failed; this is for readers without Dagster, such
as the overview page. The file is in the warehouse's folder: a rebuilt warehouse is unchecked.
"""

import fcntl
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from ingestion.settings import Settings

Status = Literal["failed", "warned", "passed"]
FILE = "checks.json"
ORDER: dict[Status, int] = {"failed": 0, "warned": 1, "passed": 2}


@dataclass(frozen=True)
class Check:
    """The newest result of a check. `table` is schema/table, `checked_at` ISO 8601 in UTC."""

    source: Literal["dbt", "Great Expectations", "freshness", "history"]
    name: str
    status: Status
    sentence: str = ""
    table: str = ""
    checked_at: str = ""


def record(settings: Settings, results: Iterable[Check]) -> None:
    """Store results; each replaces the previous result of its check."""
    folder = settings.warehouse_root
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    new = {(c.source, c.table, c.name): asdict(c) | {"checked_at": now} for c in results}
    if not new or not folder.is_dir():
        return
    with (folder / f"{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {(c.source, c.table, c.name): asdict(c) for c in recorded(settings)}
        part = folder / f"{FILE}.part"
        part.write_text(json.dumps(list((kept | new).values()), indent=1) + "\n")
        part.replace(folder / FILE)


def recorded(settings: Settings) -> list[Check]:
    """The newest result of every check that ever ran on this warehouse, red first."""
    path = settings.warehouse_root / FILE
    found = [Check(**entry) for entry in json.loads(path.read_text())] if path.exists() else []
    return sorted(found, key=lambda c: (ORDER[c.status], c.source, c.table, c.name))
