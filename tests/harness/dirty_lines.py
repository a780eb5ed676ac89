"""Writes good and bad lines for the random histories."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Fields = dict[str, object]
Write = Callable[[Fields], bytes]
"""Writes the object of a line, its `_topic`, `_partition`, `_offset`, `_timestamp` included."""


@dataclass(frozen=True)
class Raw:
    """A JSON value as literal text."""

    text: str


def well(fields: Fields, ascii_only: bool = True) -> bytes:
    """The object as JSON."""
    members = (f"{json.dumps(name)}: {_value(value, ascii_only)}" for name, value in fields.items())
    return ("{" + ", ".join(members) + "}").encode()


def _value(value: object, ascii_only: bool) -> str:
    return value.text if isinstance(value, Raw) else json.dumps(value, ensure_ascii=ascii_only)


def with_changes(**changes: object) -> Write:
    return lambda fields: well({**fields, **changes})


def without(name: str) -> Write:
    return lambda fields: well({k: v for k, v in fields.items() if k != name})


def with_text(old: bytes, new: bytes) -> Write:
    return lambda fields: well(fields).replace(old, new, 1)


def instead(line: bytes) -> Write:
    return lambda _: line


def with_extra(value: str) -> Write:
    return with_changes(extra=Raw(value))


# Rule 1: not a JSON object, or no complete position. Those written `instead` are the same line in
# every history: lines without a position are distinguished only by their text.
NO_OBJECT: list[Write] = [
    instead(b""),
    instead(b"   "),
    instead(b"null"),
    instead(b'"text"'),
    instead(b"[1, 2]"),
    instead(b"17"),
    instead(b"true"),
    instead(b"garbage"),
    lambda fields: well(fields)[:-1],
    lambda fields: well(fields)[:25],
    lambda fields: b"[" + well(fields) + b"]",
    lambda fields: well(fields) + well(fields),
    lambda fields: well(fields) + b" // noted",
    lambda fields: well(fields) + b"\x00",
    lambda fields: b"\xef\xbb\xbf" + well(fields),
    lambda fields: well(fields).replace(b'"', b"'"),
    lambda fields: well(fields)[:-1] + b",}",
    lambda fields: well(fields)[:-1] + b', "extra": 1, "extra": 1}',
    lambda fields: well(fields)[:-1] + b', "_offset": 1}',
    with_extra('{"a": {"b": 1, "\\u0062": 2}}'),
    with_extra('[{"a": 1, "a": 1}]'),
    with_extra("NaN"),
    with_extra("Infinity"),
    with_extra("[-Infinity]"),
    with_extra("[1, ]"),
    with_extra("[1, , 2]"),
    with_extra("01"),
    with_extra(".5"),
    with_extra("5."),
    with_extra("+5"),
    with_extra("0x1F"),
    with_extra("True"),
    with_extra("None"),
    with_extra('"\\u0000"'),
    with_extra('{"a\\u0000": 1}'),
    with_extra('"\\ud83d"'),
    with_extra('"\\udc00\\ud83d"'),
    with_extra('["\\ud83d \\ude00"]'),
    with_extra('"\\x41"'),
    with_extra('"a\tb"'),
    with_extra('"a\x00b"'),
    with_text(b"_topic", b"\xff\xfe"),
    with_text(b"{", b'{"caf\xe9": 1, '),
    with_text(b"{", b'{"half": "\xed\xa0\x80", '),
    with_text(b"{", b'{"long": "\xc0\xaf", '),
]
NO_POSITION: list[Write] = [
    *(without(name) for name in ("_topic", "_partition", "_offset", "_timestamp")),
    *(
        with_changes(**{name: Raw(text)})
        for name in ("_partition", "_offset", "_timestamp")
        for text in ("null", "-1", '"7"', "7.0", "7e0", "true", '""', "[7]", "1e400")
    ),
    with_changes(_topic="another_topic"),
    with_changes(_topic="Clickstream"),
    with_changes(_topic=""),
    with_changes(_topic=Raw("7")),
    with_changes(_timestamp=0),
    with_changes(_timestamp=946_684_799_999),
    with_changes(_timestamp=1_793_491_200),
    with_changes(_timestamp=4_102_444_800_000),
]

# Rule 3: breaks its schema. Everything that can be wrong in any field.
MOMENTS = [
    "2026-11-02", "2026-11-02T10:00Z", "2026-11-02T10:00:00", "2026-11-02 10:00:00Z",
    "2026-11-02T10:00:00z", "2026-11-02t10:00:00Z", "2026-11-02T10:00:00+00:00",
    "2026-11-02T10:00:00.Z", "2026-11-02T10:00:00.1234567Z", "2026-11-02T10:00:00,5Z",
    "2026-11-02T24:00:00Z", "2026-11-02T10:60:00Z", "2026-11-02T23:59:60Z",
    "2026-02-29T10:00:00Z", "2026-11-31T10:00:00Z", "2026-13-01T10:00:00Z",
    "2026-00-10T10:00:00Z", "2026-11-00T10:00:00Z", "02026-11-02T10:00:00Z",
    " 2026-11-02T10:00:00Z", "2026-11-02T10:00:00Z ", "2026-11-02T10:00:00Z\n",
    "2026-11-2T10:00:00Z", "-026-11-02T10:00:00Z", "２026-11-02T10:00:00Z", "now", 1793491200000,
]  # fmt: skip
NOT_TEXT = [5, 5.5, True, False, [], {}, ["x"], {"a": "x"}]
TOO_LONG = ["x" * 129, "é" * 129, "😀" * 129]


def _each(names: str, values: list[object]) -> list[Write]:
    return [with_changes(**{name: value}) for name in names.split() for value in values]


_required: list[object] = [None, ""]
BROKEN: dict[str, list[Write]] = {
    "clickstream": [
        *_each("event_ts", [*MOMENTS]),
        *_each("event_id event_type event_ts channel style_id", _required),
        *map(without, ("event_id", "event_type", "event_ts", "channel", "style_id")),
        *_each("event_id event_type channel style_id sku_id session_id", [*NOT_TEXT, *TOO_LONG]),
        *_each("visitor_id store_id", [*NOT_TEXT, *TOO_LONG]),
        *_each("url referrer user_agent", [*NOT_TEXT]),
        *_each("order_id", [*NOT_TEXT, *TOO_LONG]),
        *_each("quantity", [0, -1, 10_001, 5.5, 5.0, Raw("1e3"), "5", True, [], Raw("9" * 40)]),
        *_each("fulfilment", [*NOT_TEXT, "SHIP", "Pickup", "delivery", " ship"]),
    ],
    "sku_availability": [
        *_each("event_ts", [*MOMENTS]),
        *_each("event_id sku_id location_id available_qty event_ts", _required),
        *map(without, ("event_id", "sku_id", "location_id", "available_qty", "event_ts")),
        *_each("event_id sku_id location_id reason", [*NOT_TEXT, *TOO_LONG]),
        *_each(
            "available_qty",
            [-1_000_000_001, 5.5, 5.0, Raw("1e3"), Raw("1E0"), Raw("0.0"), "5", True, []],
        ),
        *_each("available_qty", [1_000_000_001, Raw("9" * 19), Raw("9" * 40), Raw("9" * 5000)]),
    ],
    "product_catalog": [
        *_each("event_ts", [*MOMENTS]),
        *_each("sku_id style_id is_active event_ts", _required),
        *map(without, ("sku_id", "style_id", "is_active", "event_ts")),
        *_each("sku_id style_id currency", [*NOT_TEXT, *TOO_LONG]),
        *_each("brand department category color size", [*NOT_TEXT, "x" * 257, "😀" * 257]),
        *_each("price size_share", ["5", "0.5", True, [], {}]),
        *_each("size_share", [0, Raw("0.0"), Raw("0e5"), -0.1, 2, Raw("1.1"), Raw("1e1")]),
        *_each("size_share", [Raw("1." + "0" * 30 + "1"), Raw("-1e-30")]),
        *_each("is_active", ["true", "True", 1, 0, "yes", []]),
    ],
}

# Valid, though it looks wrong.
ODD: dict[str, list[Write]] = {
    "clickstream": [
        *_each("extra", [None, "", 5, [], {"a": {"b": [None]}}, Raw("-0.0e-5"), Raw("1e400")]),
        *_each("extra", [Raw('"\\ud83d\\ude00"'), Raw('"\\\\u0000"'), Raw('"\\/"'), "NaN"]),
        *_each("session_id visitor_id store_id", ["", None, "x" * 128, "😀" * 128]),
        *_each("url referrer", ["", None, "https://shop.example/?q=" + "é" * 3000]),
        *_each("fulfilment order_id", ["", None]),
        *_each("quantity", ["", None, 1, 10_000]),
        with_changes(available_qty="x", size_share="y", is_active="z"),
        lambda fields: b" \t" + well(fields) + b"  ",
        lambda fields: well(fields).replace(b": ", b" :\t"),
        lambda fields: well(fields, ascii_only=False),
    ],
    "sku_availability": [
        *_each("reason", ["", None, "x" * 128]),
        *_each("available_qty", [0, -1, -1_000_000_000, 1_000_000_000]),
        lambda fields: b" " + well(fields),
        lambda fields: well(fields, ascii_only=False),
    ],
    "product_catalog": [
        *_each("brand department category", ["", None, "x" * 256, "😀" * 256, "É"]),
        *_each("price", ["", None, 0, Raw("-1.5"), Raw("1e2"), Raw("19.90")]),
        *_each("currency color size", ["", None]),
        *_each("size_share", ["", None]),
        lambda fields: well(fields, ascii_only=False),
    ],
}


def write_without_position(rng: Random) -> Write:
    """A line that rule 1 sets aside."""
    return rng.choice(rng.choice([NO_OBJECT, NO_POSITION]))


def write_broken(rng: Random, topic: str) -> Write:
    """A line that rule 3 sets aside."""
    return rng.choice(BROKEN[topic])


def write_odd(rng: Random, topic: str) -> Write:
    """A good line that looks odd."""
    return rng.choice(ODD[topic])
