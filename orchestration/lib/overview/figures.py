"""The overview's figures: the rows of its views, as one JSON object."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ingestion.landing import TOPICS
from ingestion.settings import Settings
from orchestration.lib.checks import recorded
from orchestration.lib.dbt import Dbt
from orchestration.lib.overview.models import PARTS, SORTED_BY, described
from orchestration.lib.query import reading

Figures = dict[str, Any]
Ask = Callable[[str], list[tuple[Any, ...]]]


def read_figures(settings: Settings, dbt: Callable[[], Dbt], now: datetime) -> Figures:
    """Every part of the page as rows (column → value), in the form that the schema describes.

    All parts are of one snapshot. Timestamps are ISO 8601 in UTC, rates parts of 1.
    """
    with _asking(settings, dbt) as ask:
        parts = {part: _rows(ask, settings, part) for part in PARTS}
    return {
        "generated_at": _plain(now.astimezone(UTC).replace(tzinfo=None, microsecond=0)),
        "freshness": _freshness(parts["topics"], settings, now),
        **parts,
        "checks": [asdict(check) for check in recorded(settings)],
    }


@contextmanager
def _asking(settings: Settings, dbt: Callable[[], Dbt]) -> Iterator[Ask]:
    if settings.target == "teradata":
        warm = dbt()
        warm.run("run-operation", "open_connection")
        yield warm.query
        return
    # What one page asks is small: a second thread costs more than it saves.
    with reading(settings, threads=1) as reader:
        reader.execute("begin")
        yield lambda sql: reader.execute(sql).fetchall()


def _rows(ask: Ask, settings: Settings, part: str) -> list[dict[str, Any]]:
    columns = list(described()[part]["columns"])
    schema = f"{settings.db_prefix}_overview" if settings.target == "teradata" else "overview"
    found = ask(f"select {', '.join(columns)} from {schema}.overview_{part}")
    rows = [dict(zip(columns, map(_plain, row), strict=True)) for row in found]
    keys = SORTED_BY.get(part, ("place",))
    return sorted(rows, key=lambda row: tuple(row[key] for key in keys))


def _plain(value: Any) -> Any:
    """A value as JSON has it. A decimal(18,6) of any likely size is a double's shortest text."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.isoformat() + "Z"
        case date():
            return value.isoformat()
    return value


def _freshness(topics: list[dict[str, Any]], settings: Settings, now: datetime) -> Figures:
    """Each topic's newest event against its limit: green up to half of it, red beyond it."""
    newest = {row["topic"]: row["newest_event_ts"] for row in topics}
    found = {}
    for topic in TOPICS:
        limit = 60 * int(getattr(settings, f"fresh_{topic}_minutes"))
        moment = newest.get(topic)
        age = (
            max(0, int((now - datetime.fromisoformat(moment)).total_seconds())) if moment else None
        )
        colour = "red" if age is None or age > limit else "amber" if age > limit / 2 else "green"
        found[topic] = {"colour": colour, "age_seconds": age, "limit_seconds": limit}
    return found
