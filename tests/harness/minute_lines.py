"""Lines as they land, at any moment, and the objects that hold them."""

import gzip
import json
from collections import defaultdict
from datetime import datetime
from itertools import count
from typing import Any

from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import object_key
from tests.harness.referee import Delivery

CLICKS, STOCK, CATALOG = TOPICS
_offsets = defaultdict[str, "count[int]"](lambda: count(1))
"""By topic: each line that is made has the next one, so none is missing where all are landed."""
_numbers = count(1)
Line = tuple[str, dict[str, Any]]


def _line(topic: str, at: datetime, arrived: datetime | None, **fields: Any) -> Line:
    offset = next(_offsets[topic])
    millis = int(((arrived or at) - datetime(1970, 1, 1)).total_seconds() * 1000)
    place = {"_topic": topic, "_partition": 0, "_offset": offset, "_timestamp": millis}
    return topic, {"event_ts": f"{at:%Y-%m-%dT%H:%M:%S}Z", **fields, **place}


def view(at: datetime, sku: str = "A", *, arrived: datetime | None = None, **more: Any) -> Line:
    """A product view of a SKU of the style `shirt`."""
    fields = {
        "event_id": f"v{next(_numbers)}",
        "event_type": "product_view",
        "visitor_id": "x",
        "channel": "web",
        "style_id": "shirt",
        "sku_id": sku,
    }
    return _line(CLICKS, at, arrived, **(fields | more))


def stock(
    at: datetime,
    sku: str = "A",
    qty: int = 5,
    location: str = "DC",
    *,
    arrived: datetime | None = None,
) -> Line:
    """A stock change."""
    fields = {"event_id": f"s{next(_numbers)}", "location_id": location, "available_qty": qty}
    return _line(STOCK, at, arrived, sku_id=sku, **fields)


def sku(at: datetime, name: str = "A", **more: Any) -> Line:
    """A catalog row of the style `shirt`."""
    fields = {"sku_id": name, "style_id": "shirt", "is_active": True}
    return _line(CATALOG, at, None, **(fields | more))


def landed(opened: datetime, *lines: Line) -> list[Delivery]:
    """One object for each topic among the lines, opened at a moment."""
    return [
        Delivery(
            object_key(topic, opened, 0, own[0]["_offset"]),
            gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in own), mtime=0),
        )
        for topic in TOPICS
        if (own := [fields for of, fields in lines if of == topic])
    ]
