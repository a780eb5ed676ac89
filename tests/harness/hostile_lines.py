"""Lines that no producer should send, each with its expected outcome."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ingestion.contract.topics import TOPICS

CLICKS, STOCK, CATALOG = TOPICS
LOADED = "loaded"
ARRIVAL_MS = 1_793_613_600_000
"""2026-11-02T10:00:00Z"""
GOOD: dict[str, dict[str, Any]] = {
    CLICKS: {
        "event_id": "e",
        "event_type": "product_view",
        "event_ts": "2026-11-02T09:59:59.5Z",
        "channel": "web",
        "style_id": "shirt",
    },
    STOCK: {
        "event_id": "e",
        "sku_id": "shirt-m",
        "location_id": "DC",
        "available_qty": 5,
        "event_ts": "2026-11-02T09:59:59Z",
    },
    CATALOG: {
        "sku_id": "shirt-m",
        "style_id": "shirt",
        "is_active": True,
        "event_ts": "2026-11-02T09:59:59Z",
    },
}
_numbers = count(1)


@dataclass(frozen=True)
class Case:
    """A line, what is hostile about it, and its expected outcome."""

    name: str
    topic: str
    raw: bytes
    outcome: str
    """`loaded`, or how the reason begins"""

    @property
    def text(self) -> str:
        return self.raw.decode(errors="backslashreplace")


def good(topic: str, **changes: Any) -> dict[str, Any]:
    """The fields of a good line that no other line copies."""
    number = next(_numbers)
    fields = {**GOOD[topic], "_topic": topic, "_partition": 0, "_offset": number}
    if "event_id" in fields:
        fields["event_id"] = f"e{number}"
    return {**fields, "_timestamp": ARRIVAL_MS, **changes}


def compact(fields: dict[str, Any], ascii_only: bool = False) -> bytes:
    """As producers write it."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=ascii_only).encode()


def changed(topic: str, outcome: str, **changes: Any) -> Case:
    """A good line except for these fields."""
    names = ", ".join(f"{name} {str(value)[:30]!r}" for name, value in changes.items())
    return Case(names, topic, compact(good(topic, **changes)), outcome)


def without(topic: str, name: str, outcome: str) -> Case:
    fields = good(topic)
    del fields[name]
    return Case(f"no {name}", topic, compact(fields), outcome)


def as_written(topic: str, name: str, text: str, outcome: str) -> Case:
    """A good line whose field is written like this."""
    marked = compact(good(topic, **{name: "MARK"})).replace(b'"MARK"', text.encode())
    return Case(f"{name} written {text[:40]}", topic, marked, outcome)


def spoiled(name: str, old: bytes, new: bytes, outcome: str, topic: str = CLICKS) -> Case:
    """A good line with some of its bytes replaced."""
    raw = compact(good(topic))
    assert raw.count(old) >= 1
    return Case(name, topic, raw.replace(old, new, 1), outcome)


def ahead(**later: float) -> int:
    """A `_timestamp` this much after the current hour's start: the same in all test processes."""
    return int((_this_hour() + timedelta(**later)).timestamp() * 1000)


def _duplicate_keys() -> list[Case]:
    end = b',"_timestamp"'
    return [
        spoiled("a key twice, equal", end, b',"channel":"web"' + end, "not JSON: duplicate key"),
        spoiled("a key twice, different", end, b',"channel":"x"' + end, "not JSON: duplicate key"),
        spoiled("a position twice", end, b',"_offset":1' + end, "not JSON: duplicate key"),
        spoiled("a key twice, escaped", end, b',"ch\\u0061nnel":"x"' + end, "not JSON: duplicate"),
        spoiled("an extra key twice", end, b',"x":1,"x":1' + end, "not JSON: duplicate key 'x'"),
        as_written(CLICKS, "extra", '{"a":{"b":1,"b":2}}', "not JSON: duplicate key 'b'"),
        as_written(CLICKS, "extra", '[{"b":1,"\\u0062":2}]', "not JSON: duplicate key 'b'"),
        as_written(CLICKS, "extra", '[{"b":1},{"b":2}]', LOADED),
    ]


def _not_json() -> list[Case]:
    cases = [
        Case("blank", CLICKS, b"", "not JSON"),
        Case("spaces", CLICKS, b"   ", "not JSON"),
        Case("carriage return", CLICKS, b"\r", "not JSON"),
        Case("null", CLICKS, b"null", "not JSON object but null"),
        Case("a number", CLICKS, b"55", "not JSON object but integer"),
        Case("a text", CLICKS, b'"x"', "not JSON object but string"),
        Case("an array", CLICKS, b"[" + compact(good(CLICKS)) + b"]", "not JSON object but array"),
        Case("two objects", CLICKS, compact(good(CLICKS)) + b"{}", "not JSON: Extra data"),
        Case("cut in the middle", CLICKS, compact(good(CLICKS))[:60], "not JSON"),
        Case("without its last brace", CLICKS, compact(good(CLICKS))[:-1], "not JSON"),
        Case("byte order mark", CLICKS, b"\xef\xbb\xbf" + compact(good(CLICKS)), "not JSON"),
        Case("NUL at the end", CLICKS, compact(good(CLICKS)) + b"\0", "not JSON: NUL"),
        Case("deep", STOCK, b'{"a":' * 5000 + b"1" + b"}" * 5000, "not JSON"),
        spoiled("trailing comma", b"}", b",}", "not JSON"),
        spoiled("single quotes", b'"web"', b"'web'", "not JSON"),
        spoiled("a comment", b"{", b"{/**/", "not JSON"),
        spoiled("NUL in a text", b"shirt", b"sh\0rt", "not JSON: NUL"),
        spoiled("escaped NUL", b"shirt", b"sh\\u0000rt", "not JSON: NUL"),
        spoiled("escaped NUL in a key", b'"channel"', b'"\\u0000":1,"channel"', "not JSON: NUL"),
        spoiled("half a surrogate pair", b"shirt", b"\\ud83d", "not JSON: half a surrogate"),
        spoiled("halves in the wrong order", b"shirt", b"\\ude00\\ud83d", "not JSON: half"),
        spoiled("raw tab in a text", b"shirt", b"sh\trt", "not JSON: Invalid control"),
        spoiled("wrong escape", b"shirt", b"sh\\x69rt", "not JSON"),
        spoiled("invalid UTF-8", b"shirt", b"caf\xe9", "not JSON: invalid UTF-8"),
        spoiled("invalid UTF-8 behind a backslash", b"shirt", b"\\\xe9", "not JSON: invalid UTF-8"),
        spoiled("surrogate in UTF-8", b"shirt", b"\xed\xa0\x80", "not JSON: invalid UTF-8"),
        spoiled("overlong UTF-8", b"shirt", b"\xc0\xaf", "not JSON: invalid UTF-8"),
        spoiled("cut UTF-8", b'shirt"', b'shirt\xf0\x9f\x98"', "not JSON: invalid UTF-8"),
    ]
    for text in ("NaN", "Infinity", "-Infinity", "[NaN]", "[1,]", "01", "+1", ".5", "5.", "True"):
        cases.append(as_written(CLICKS, "extra", text, "not JSON"))
    for text in ("NaN", "Infinity", "-Infinity", "nan", "inf"):
        cases.append(as_written(CLICKS, "store_id", text, "not JSON"))
        cases.append(as_written(STOCK, "available_qty", text, "not JSON"))
        cases.append(as_written(CATALOG, "size_share", text, "not JSON"))
    return cases


def _positions() -> list[Case]:
    cases = [
        changed(CLICKS, "no position: _topic", _topic="sku_availability"),
        changed(STOCK, "no position: _topic", _topic="SKU_AVAILABILITY"),
        changed(CATALOG, "no position: _topic", _topic=""),
        changed(CLICKS, "no position: _timestamp", _timestamp=946_684_799_999),
        changed(CLICKS, "no position: _timestamp", _timestamp=1_793_613_600),
        changed(CATALOG, "no position: _timestamp", _timestamp=946_684_799_999),
        changed(
            STOCK,
            "no position: _timestamp is more than",
            _timestamp=ahead(days=1, hours=3),
        ),
        changed(
            STOCK, LOADED, _timestamp=ahead(hours=23), event_ts=f"{_this_hour():%Y-%m-%dT%H:%M:%SZ}"
        ),
        changed(CLICKS, "no position: _timestamp", _timestamp=10**18),
    ]
    for topic in TOPICS:
        for name in ("_topic", "_partition", "_offset", "_timestamp"):
            cases.append(without(topic, name, f"no position: {name}"))
            cases.append(changed(topic, f"no position: {name}", **{name: None}))
            cases.append(changed(topic, f"no position: {name}", **{name: [1]}))
            cases.append(changed(topic, f"no position: {name}", **{name: 5.5}))
        for name in ("_partition", "_offset", "_timestamp"):
            for text in ("-1", '"5"', "5.0", "5e0", "true", "1e400", "9" * 30):
                cases.append(as_written(topic, name, text, f"no position: {name}"))
    return cases


def _this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _types() -> list[Case]:
    cases = []
    texts = {
        CLICKS: "event_id event_type event_ts channel fulfilment style_id sku_id url user_agent",
        STOCK: "event_id sku_id location_id event_ts reason",
        CATALOG: "sku_id style_id brand size currency event_ts",
    }
    for topic, names in texts.items():
        for name in names.split():
            for text, kind in {
                "5": "integer",
                "-5.5": "number",
                "1e5": "number",
                "true": "boolean",
                "[]": "array",
                '["x"]': "array",
                "{}": "object",
                '{"a":"x"}': "object",
            }.items():
                cases.append(as_written(topic, name, text, f"{name} is of type {kind}, not string"))
    for text, kind in {
        '"5"': "string",
        "5.5": "number",
        "5.0": "number",
        "5e0": "number",
        "5E0": "number",
        "true": "boolean",
        "[5]": "array",
        "{}": "object",
    }.items():
        why = f"available_qty is of type {kind}, not integer"
        cases.append(as_written(STOCK, "available_qty", text, why))
        cases.append(as_written(CLICKS, "quantity", text, f"quantity is of type {kind}"))
    for text in ("-1000000001", "1000000001", "9" * 19, "9" * 400):
        why = "available_qty is not a whole number from -1000000000 to 1000000000"
        cases.append(as_written(STOCK, "available_qty", text, why))
    for text in ("0", "-1", "10001", "9" * 19):
        why = "quantity is not a whole number from 1 to 10000"
        cases.append(as_written(CLICKS, "quantity", text, why))
    for text in ("1", "10000", "null", '""'):
        cases.append(as_written(CLICKS, "quantity", text, LOADED))
    for text in ('"true"', "1", "0", "[]"):
        cases.append(as_written(CATALOG, "is_active", text, "is_active is of type"))
    for name in ("price", "size_share"):
        for text in ('"0.5"', "true", "[0.5]", "{}"):
            cases.append(as_written(CATALOG, name, text, f"{name} is of type"))
    for text in ("0", "-0.1", "1.0000001", "1e1", "0e9"):
        cases.append(as_written(CATALOG, "size_share", text, "size_share is not above 0"))
    return cases


def _texts() -> list[Case]:
    cases = []
    for one in ("x", "é", "衣", "😀"):
        for name in ("event_id", "channel", "style_id", "sku_id", "store_id"):
            why = f"{name} is longer than 128 characters"
            for ascii_only in (False, True):
                for size, outcome in ((128, LOADED), (129, why)):
                    value = f"{next(_numbers):08}" + one * (size - 8)
                    raw = compact(good(CLICKS, **{name: value}), ascii_only)
                    cases.append(Case(f"{name} {size} {one} {ascii_only}", CLICKS, raw, outcome))
        cases.append(changed(CATALOG, LOADED, brand=one * 256))
        cases.append(changed(CATALOG, "brand is longer than 256 characters", brand=one * 257))
    for name in ("event_id", "event_type", "event_ts", "channel", "style_id"):
        cases += [without(CLICKS, name, f"{name} is missing")]
        cases += [changed(CLICKS, f"{name} is missing", **{name: absent}) for absent in (None, "")]
    return [
        *cases,
        changed(CLICKS, LOADED, event_type="search", style_id=None),
        changed(CLICKS, LOADED, sku_id="12345", store_id="007", channel="true", session_id="NaN"),
        changed(CLICKS, LOADED, sku_id="1e5", store_id="-0.0", session_id="[x]", visitor_id="{"),
        changed(STOCK, LOADED, sku_id="12345", location_id="-1", reason="null"),
        changed(CLICKS, LOADED, style_id='nö 衣 😀 \\ " / \u2028 \x7f'),
        changed(CLICKS, LOADED, style_id="one\ntwo\ttabs", channel=" "),
        changed(CLICKS, LOADED, url="https://shop.example/?" + "é" * 5000),
        changed(CLICKS, LOADED, extra="x" * 1_000_000),
        changed(CLICKS, "channel is longer than 128", channel="x" * 1_000_000),
        changed(CLICKS, LOADED, extra={"a": [{"b": [None, True, 1e5]}]}, other=[], third=""),
        changed(STOCK, LOADED, extra=[[[]]], price=-1.5),
        changed(CLICKS, "event_ts is more than 10 minutes", event_ts="2026-11-02T10:10:00.000001Z"),
        changed(CLICKS, LOADED, event_ts="2026-11-02T10:10:00Z"),
        changed(CLICKS, "event_ts is not a UTC timestamp", event_ts="2026-11-02T24:00:00Z"),
        changed(CLICKS, "fulfilment is neither ship nor pickup", fulfilment="SHIP"),
        changed(CLICKS, LOADED, fulfilment=""),
    ]


def _spellings() -> list[Case]:
    cases = []
    for topic in TOPICS:
        fields = good(topic)
        backwards = dict(reversed(good(topic).items()))
        cases += [
            Case("with spaces", topic, json.dumps(fields).encode(), LOADED),
            Case("keys backwards", topic, compact(backwards), LOADED),
            Case("blanks around", topic, b" \t" + compact(good(topic)) + b" \r", LOADED),
        ]
        tabs = json.dumps(good(topic), separators=("\t,\t", "\t:\r"), sort_keys=True).encode()
        cases.append(Case("tabs and returns between", topic, tabs, LOADED))
        escaped = compact(good(topic)).replace(b'"_topic"', b'"\\u005ftopic"')
        cases.append(Case("an escaped key", topic, escaped, LOADED))
    return cases


CASES = [
    *_duplicate_keys(),
    *_not_json(),
    *_positions(),
    *_types(),
    *_texts(),
    *_spellings(),
]
