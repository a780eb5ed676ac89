"""Events of a test, made where it runs: their times are now."""

import time
from typing import Any


def click(**fields: Any) -> dict[str, Any]:
    """A view of a style, with what the test cares about."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {"event_id": "e", "event_type": "product_view", "event_ts": now, "channel": "web"}
    return {**event, "style_id": "s", **fields}
