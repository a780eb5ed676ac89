"""Malformed lines: every way in which a line of the landing lake may break the contract.

Each kind takes a good line (the event's object with its position) and returns the bytes of a bad
one, without a line break. A loader must quarantine every one of them: nothing here is a duplicate,
a late event or a line that a tolerant reader could accept.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Line = dict[str, object]
Kind = Callable[[Line], bytes]

FAR_FUTURE_MS = 4_102_444_800_000
"""2100-01-01: more than a day ahead of any loader's clock."""

BAD_TIMESTAMPS = {
    "no_zone": "2026-11-01T10:00:00",
    "zone_offset": "2026-11-01T10:00:00+00:00",
    "with_space": "2026-11-01 10:00:00Z",
    "lower_case": "2026-11-01t10:00:00z",
    "hour_24": "2026-11-01T24:00:00Z",
    "second_60": "2026-11-01T23:59:60Z",
    "february_30": "2026-02-30T10:00:00Z",
    "seven_digits": "2026-11-01T10:00:00.1234567Z",
    "bare_point": "2026-11-01T10:00:00.Z",
    "date_only": "2026-11-01",
    "words": "yesterday",
}


def spoil(kind: str, line: Line) -> bytes:
    """The bad line of this kind made from a good `line`, whose `_topic` must offer the kind."""
    return KINDS[str(line["_topic"])][kind](line)


def compact(line: Line) -> bytes:
    """One line of JSON as producers write it: no spaces, UTF-8."""
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()


def _with(**fields: object) -> Kind:
    return lambda line: compact({**line, **fields})


def _without(*fields: str) -> Kind:
    return lambda line: compact({k: v for k, v in line.items() if k not in fields})


def _literal(field: str, text: bytes) -> Kind:
    """The field's value written as exactly these bytes, valid JSON or not."""
    marker = b'"\\u0002"'
    return lambda line: compact({**line, field: "\x02"}).replace(marker, text, 1)


def _truncated(line: Line) -> bytes:
    text = compact(line)
    return text[: len(text) * 2 // 3]


def _duplicate_key(line: Line) -> bytes:
    key, value = next(iter(line.items()))
    return b"{%b,%b" % (compact({key: value})[1:-1], compact(line)[1:])


def _number_as_text(line: Line) -> bytes:
    return compact({**line, "_offset": str(line["_offset"])})


def _seconds_not_ms(line: Line) -> bytes:
    return compact({**line, "_timestamp": int(str(line["_timestamp"])) // 1000})


def _before_it_happened(line: Line) -> bytes:
    arrival = datetime.fromtimestamp(int(str(line["_timestamp"])) / 1000, UTC)
    return compact({**line, "event_ts": f"{arrival + timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}"})


_ANY_TOPIC: dict[str, Kind] = {
    # not a JSON object
    "truncated": _truncated,
    "plain_text": lambda _: b"java.lang.IllegalStateException: producer closed",
    "array": lambda line: b"[%b]" % compact(line),
    "bare_string": lambda line: b'"%b"' % str(line["_topic"]).encode(),
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
    "text_offset": _number_as_text,
    "negative_offset": _with(_offset=-1),
    "fractional_offset": _with(_offset=12.5),
    "boolean_offset": _with(_offset=True),
    "no_timestamp": _without("_timestamp"),
    "timestamp_in_seconds": _seconds_not_ms,
    "timestamp_in_2100": _with(_timestamp=FAR_FUTURE_MS),
    # breaks its schema
    "no_event_ts": _without("event_ts"),
    "null_event_ts": _with(event_ts=None),
    "empty_event_ts": _with(event_ts=""),
    "epoch_event_ts": _with(event_ts=1_793_491_200_000),
    "before_it_happened": _before_it_happened,
    **{f"event_ts_{name}": _with(event_ts=text) for name, text in BAD_TIMESTAMPS.items()},
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
        "negative_quantity": _with(available_qty=-1),
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
