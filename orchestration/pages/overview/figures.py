"""The overview's figures: the rows of its SQL views, as one JSON object."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.contract.topics import TOPICS
from ingestion.settings import Settings
from orchestration.monitoring.check_results import recorded
from orchestration.monitoring.limits import colour_of, limit_of
from orchestration.pages.overview.parts import PARTS, described
from orchestration.warehouse.engine_protocol import Query
from orchestration.warehouse.engines import engine_of

Figures = dict[str, Any]


def read_figures(settings: Settings, now: datetime) -> Figures:
    """Every part of the page as rows (column → value), in the form that the schema describes.

    All parts are of one snapshot. Timestamps are ISO 8601 in UTC, rates parts of 1.
    """
    # The queries of one page are small: a second thread costs more than it saves.
    with engine_of(settings).reader(threads=1) as query:
        parts = {part: _rows(query, settings, part) for part in PARTS}
    return {
        "generated_at": _plain(now.astimezone(UTC).replace(tzinfo=None, microsecond=0)),
        "freshness": _freshness(parts["topics"], settings, now),
        **parts,
        "checks": [asdict(check) for check in recorded(settings)],
    }


def _rows(query: Query, settings: Settings, part: str) -> list[dict[str, Any]]:
    columns = list(described()[part]["columns"])
    view = engine_of(settings).relation("overview", f"overview_{part}")
    found = query(f"select {', '.join(columns)} from {view}").rows
    rows = [dict(zip(columns, map(_plain, row), strict=True)) for row in found]
    return sorted(rows, key=lambda row: [row[column] for column in columns[:2]])


def _plain(value: Any) -> Any:
    """A value for JSON. A decimal(18,6) of any likely size survives as a double."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.isoformat() + "Z"
        case date():
            return value.isoformat()
    return value


def _freshness(topics: list[dict[str, Any]], settings: Settings, now: datetime) -> Figures:
    """Each topic's newest event against its limit."""
    newest = {row["topic"]: row["newest_event_ts"] for row in topics}
    found = {}
    for topic in TOPICS:
        limit, moment = limit_of(settings, topic), newest.get(topic)
        age = max(timedelta(), now - datetime.fromisoformat(moment)) if moment else None
        found[topic] = {
            "colour": colour_of(age, limit),
            "age_seconds": None if age is None else int(age.total_seconds()),
            "limit_seconds": int(limit.total_seconds()),
        }
    return found
