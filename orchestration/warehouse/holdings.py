"""How much a warehouse holds, by topic and day: a rebuild does not swap in less."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ingestion.contract.topics import STAGED
from ingestion.settings import TwistError

SHOWN = 10
Query = Callable[[str], list[tuple[Any, ...]]]
TABLES = {
    topic: f"select event_id, event_ts from twist.staging.{STAGED[topic]} "
    "union all select event_id, event_ts from twist.audit.late_events "
    f"where topic = '{topic}' and replayed_at is null"
    for topic in ("clickstream", "sku_availability")
} | {
    "product_catalog": f"select kafka_partition || '/' || kafka_offset || '/' || arrived_at "
    f"as event_id, event_ts from twist.staging.{STAGED['product_catalog']}",
    "dead_letters": "select topic || '/' || kafka_partition || '/' || kafka_offset as event_id, "
    "failed_at as event_ts from twist.audit.dead_letters",
}
"""A query for each topic: the event and its time, late ones that were set aside included."""
QUARANTINED = (
    "select topic, count(distinct (object_key, line_number)) from twist.audit.quarantined_lines "
    "where released_at is null group by topic"
)


class WouldShrink(TwistError):
    """The new warehouse holds less than the old one; the message has the numbers."""


class Less(NamedTuple):
    """A day of a topic (the day is empty for its quarantined lines) of which there is less."""

    topic: str
    day: str
    before: int
    now: int

    def __str__(self) -> str:
        what = f"{self.topic} {self.day}" if self.day else f"quarantined lines of {self.topic}"
        return f"{what}: {self.before:,} → {self.now:,}"


def less(old: Query, new: Query) -> list[Less]:
    """Of what the new warehouse holds less than the old one.

    Events are counted, not rows: with other settings a late copy of an event may be a duplicate.
    """
    found = []
    grown: dict[str, int] = {}
    for topic in TABLES:
        before, now = _by_day(old, topic, "count(*)"), _by_day(new, topic, "count(*)")
        grown[topic] = sum(now.values()) - sum(before.values())
        if any(now.get(day, 0) < count for day, count in before.items()):
            distinct = "count(distinct event_id)"
            before, now = _by_day(old, topic, distinct), _by_day(new, topic, distinct)
        found += [
            Less(topic, day, count, now.get(day, 0))
            for day, count in sorted(before.items())
            if now.get(day, 0) < count
        ]
    kept: dict[str, int] = dict(new(QUARANTINED))
    for topic, count in sorted(old(QUARANTINED)):
        # A line that was quarantined may count now, as one that was ahead of the clock.
        if kept.get(topic, 0) + max(grown.get(topic, 0), 0) < count:
            found.append(Less(topic, "", count, kept.get(topic, 0)))
    return found


def refuse_less(found: list[Less]) -> None:
    """Raise `WouldShrink` where there is less of anything."""
    if found:
        shown = "; ".join(map(str, found[:SHOWN]))
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise WouldShrink(
            f"the new warehouse would hold less than the old one: {shown}{more}. The landing lake "
            "has lost objects, or they were written again with fewer lines; nothing was changed. "
            "Put them back, or swap it in all the same: `make rebuild SHRINK=1`"
        )


def _by_day(query: Query, topic: str, count: str) -> dict[str, int]:
    return dict(
        query(
            f"select cast(cast(event_ts as date) as varchar), {count} "
            f"from ({TABLES[topic]}) as held group by all"
        )
    )
