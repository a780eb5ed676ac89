"""Rows and loads of the referee's examples, and their results, in short forms."""

import gzip
import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import object_key
from tests.harness.referee import Delivery, Outcome, Settings, referee

CLICKS, STOCK, CATALOG = TOPICS
NOW = Settings.now
EPOCH, MILLI = datetime(1970, 1, 1), timedelta(milliseconds=1)
Line = tuple[str, bytes]
"""A topic and what landed in it."""
_numbers = count(1)


def ts(text: str) -> str:
    """`02 10:00` → `2026-11-02T10:00:00Z`"""
    return f"2026-11-{text[:2]}T{text[3:]}{':00' if len(text) == len('02 10:00') else ''}Z"


def moment(text: str) -> datetime:
    """`02 10:00` → the moment"""
    return datetime.fromisoformat(ts(text)).replace(tzinfo=None)


def line(topic: str, fields: dict[str, Any], arrival: str, partition: int, offset: int) -> Line:
    """A line with these fields; offset 0 means the next free one."""
    millis = (moment(arrival) - EPOCH) // MILLI
    place = {"_topic": topic, "_partition": partition, "_offset": offset or next(_numbers)}
    return topic, json.dumps({**fields, **place, "_timestamp": millis}).encode()


def view(
    at: str, sku: str = "", *, arrival: str = "", partition: int = 0, offset: int = 0, **more: Any
) -> Line:
    """A product view of the style `shirt`."""
    fields = {
        "event_id": f"v{next(_numbers)}",
        "event_type": "product_view",
        "event_ts": ts(at),
        "channel": "web",
        "style_id": "shirt",
        "sku_id": sku,
        **more,
    }
    return line(CLICKS, fields, arrival or at, partition, offset)


def stock(
    at: str,
    sku: str,
    qty: int,
    location: str = "DC",
    *,
    arrival: str = "",
    partition: int = 0,
    offset: int = 0,
    **more: Any,
) -> Line:
    """A stock change."""
    fields = {
        "event_id": f"s{next(_numbers)}",
        "event_ts": ts(at),
        "sku_id": sku,
        "location_id": location,
        "available_qty": qty,
        **more,
    }
    return line(STOCK, fields, arrival or at, partition, offset)


def sku(
    name: str, at: str = "01 00:00", *, arrival: str = "", offset: int = 0, **more: Any
) -> Line:
    """A catalog row of the style `shirt`."""
    fields = {
        "sku_id": name,
        "style_id": "shirt",
        "is_active": True,
        "event_ts": ts(at),
        **more,
    }
    return line(CATALOG, fields, arrival or at, 0, offset)


def packed(*lines: bytes) -> bytes:
    """An object of these lines."""
    return gzip.compress(b"".join(each + b"\n" for each in lines), mtime=0)


def load(*lines: Line) -> list[Delivery]:
    """A load that finds these lines, an object for each topic."""
    opened = datetime(2026, 11, 1)
    return [
        Delivery(object_key(topic, opened, 0, next(_numbers)), packed(*(x[1] for x in own)))
        for topic in TOPICS
        if (own := [x for x in lines if x[0] == topic])
    ]


def after(*lines: Line, settings: Settings | None = None) -> Outcome:
    """The expected outcome after one load of these lines."""
    return referee([load(*lines)], settings)


def becomes(original: Line, settings: Settings | None = None) -> str:
    """The outcome of one line alone."""
    outcome = after(original, settings=settings)
    if outcome.quarantined:
        return outcome.quarantined[0].reason
    return "late" if outcome.late else "loaded"


def written(original: Line, field: str, text: str) -> str:
    """The outcome of a line whose field is written like this."""
    marked = json.dumps({**json.loads(original[1]), field: "MARK"})
    return becomes((original[0], marked.replace('"MARK"', text).encode()))


def parts(outcome: Outcome) -> list[tuple[str, ...]]:
    """In, out and unknown of every view, by time."""
    fact = sorted(outcome.marts["fct_twist"].values(), key=lambda row: str(row["view_ts"]))
    names = ("in_stock_share", "out_of_stock_share", "unknown_share")
    return [tuple(str(row[name]) for name in names) for row in fact]


def lost(outcome: Outcome) -> dict[object, str]:
    """Lost views by SKU, of an example within one hour."""
    table = outcome.marts["fct_lost_demand_hourly"]
    return {key[2]: str(row["lost_views"]) for key, row in table.items()}
