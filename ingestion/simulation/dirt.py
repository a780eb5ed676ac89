"""Malformed lines: every way in which a line of the landing lake may break the contract.

Each kind makes a bad line, without its line break, from a good one (the event's object with its
position). A loader must quarantine every one of them.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Line = dict[str, Any]
Kind = Callable[[Line], bytes]


def spoil(kind: str, line: Line) -> bytes:
    """The bad line of this kind made from a good `line`, whose `_topic` must offer the kind."""
    return KINDS[line["_topic"]][kind](line)


def compact(value: Any) -> bytes:
    """JSON as producers write it: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _with(**fields: object) -> Kind:
    return lambda line: compact({**line, **fields})


def _without(*fields: str) -> Kind:
    return lambda line: compact({k: v for k, v in line.items() if k not in fields})


def _literal(field: str, text: bytes) -> Kind:
    """The field's value written as exactly these bytes, valid JSON or not."""
    marker = b'"\\u0002"'
    return lambda line: compact({**line, field: "\x02"}).replace(marker, text, 1)


def _duplicate_key(line: Line) -> bytes:
    key, value = next(iter(line.items()))
    return b"{%b,%b" % (compact({key: value})[1:-1], compact(line)[1:])


def _before_it_happened(line: Line) -> bytes:
    later = datetime.fromtimestamp(line["_timestamp"] / 1000 + 15 * 60, UTC)
    return compact({**line, "event_ts": f"{later:%Y-%m-%dT%H:%M:%SZ}"})


_ANY_TOPIC: dict[str, Kind] = {
    # not a JSON object
    "truncated": lambda line: compact(line)[: len(compact(line)) * 2 // 3],
    "plain_text": lambda _: b"java.lang.IllegalStateException: producer closed",
    "array": lambda line: b"[%b]" % compact(line),
    "bare_string": lambda line: compact(line["_topic"]),
    "bare_null": lambda _: b"null",
    "two_objects": lambda line: compact(line) * 2,
    "trailing_comma": lambda line: compact(line)[:-1] + b",}",
    "single_quotes": lambda line: compact(line).replace(b'"', b"'"),
    "invalid_utf8": _literal("note", b'"caf\xe9"'),
    "nul_byte": _literal("note", b'"a\x00b"'),
    "escaped_nul": _with(note="a\x00b"),
    "half_surrogate": _literal("note", b'"\\ud800"'),
    "not_a_number": _literal("note", b"NaN"),
    "infinity": _literal("note", b"-Infinity"),
    "duplicate_key": _duplicate_key,
    # without a complete position
    "no_topic": _without("_topic"),
    "other_topic": _with(_topic="orders"),
    "no_partition": _without("_partition"),
    "null_partition": _with(_partition=None),
    "no_offset": _without("_offset"),
    "text_offset": lambda line: compact({**line, "_offset": str(line["_offset"])}),
    "negative_offset": _with(_offset=-1),
    "fractional_offset": _with(_offset=12.5),
    "boolean_offset": _with(_offset=True),
    "no_timestamp": _without("_timestamp"),
    "timestamp_in_seconds": lambda line: compact(
        {**line, "_timestamp": line["_timestamp"] // 1000}
    ),
    "timestamp_in_2100": _with(_timestamp=4_102_444_800_000),
    # breaks its schema
    "no_event_ts": _without("event_ts"),
    "null_event_ts": _with(event_ts=None),
    "empty_event_ts": _with(event_ts=""),
    "epoch_event_ts": _with(event_ts=1_793_491_200_000),
    "before_it_happened": _before_it_happened,
    "event_ts_no_zone": _with(event_ts="2026-11-01T10:00:00"),
    "event_ts_zone_offset": _with(event_ts="2026-11-01T10:00:00+00:00"),
    "event_ts_with_space": _with(event_ts="2026-11-01 10:00:00Z"),
    "event_ts_lower_case": _with(event_ts="2026-11-01t10:00:00z"),
    "event_ts_hour_24": _with(event_ts="2026-11-01T24:00:00Z"),
    "event_ts_second_60": _with(event_ts="2026-11-01T23:59:60Z"),
    "event_ts_february_30": _with(event_ts="2026-02-30T10:00:00Z"),
    "event_ts_seven_digits": _with(event_ts="2026-11-01T10:00:00.1234567Z"),
    "event_ts_bare_point": _with(event_ts="2026-11-01T10:00:00.Z"),
    "event_ts_date_only": _with(event_ts="2026-11-01"),
    "event_ts_words": _with(event_ts="yesterday"),
}

KINDS: dict[str, dict[str, Kind]] = {
    "clickstream": _ANY_TOPIC
    | {
        "no_event_id": _without("event_id"),
        "no_event_type": _without("event_type"),
        "empty_channel": _with(channel=""),
        "numeric_channel": _with(channel=3),
        "nested_channel": _with(channel={"name": "web"}),
        "array_session": _with(session_id=["s1"]),
        "boolean_visitor": _with(visitor_id=True),
        "numeric_sku": _with(sku_id=10_042),
        "nested_user_agent": _with(user_agent={"family": "Firefox"}),
        "numeric_url": _with(url=404),
        "unknown_fulfilment": _with(fulfilment="drone"),
        "view_of_nothing": lambda line: _without("style_id")(
            {**line, "event_type": "product_view"}
        ),
        "long_event_id": _with(event_id="e" * 129),
        "long_style": _with(style_id="s" * 129),
    },
    "sku_availability": _ANY_TOPIC
    | {
        "no_event_id": _without("event_id"),
        "no_sku": _without("sku_id"),
        "empty_location": _with(location_id=""),
        "numeric_sku": _with(sku_id=10_042),
        "no_quantity": _without("available_qty"),
        "null_quantity": _with(available_qty=None),
        "text_quantity": _with(available_qty="5"),
        "empty_quantity": _with(available_qty=""),
        "fractional_quantity": _with(available_qty=5.5),
        "pointed_quantity": _literal("available_qty", b"5.0"),
        "exponent_quantity": _literal("available_qty", b"5e0"),
        "boolean_quantity": _with(available_qty=True),
        "nested_quantity": _with(available_qty={"value": 5}),
        "negative_quantity": _with(available_qty=-1_000_000_001),
        "huge_quantity": _with(available_qty=1_000_000_001),
        "long_location": _with(location_id="l" * 129),
        "numeric_reason": _with(reason=1),
    },
    "product_catalog": _ANY_TOPIC
    | {
        "no_sku": _without("sku_id"),
        "no_style": _without("style_id"),
        "numeric_style": _with(style_id=10_042),
        "no_is_active": _without("is_active"),
        "text_is_active": _with(is_active="true"),
        "numeric_is_active": _with(is_active=1),
        "text_price": _with(price="49.90"),
        "nested_price": _with(price={"amount": 49.9}),
        "text_share": _with(size_share="0.2"),
        "zero_share": _with(size_share=0),
        "share_above_one": _with(size_share=1.01),
        "numeric_size": _with(size=38),
        "array_color": _with(color=["black"]),
        "long_brand": _with(brand="b" * 257),
        "long_sku": _with(sku_id="k" * 129),
    },
}
