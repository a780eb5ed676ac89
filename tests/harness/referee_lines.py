"""The referee, part one: objects and their lines, each checked alone.

Plain Python, written from the contract and not from the SQL it checks. Where the contract is
silent, the choice made is one of these:

- An object of zero bytes is empty, so unreadable; a complete gzip of nothing is readable and
  has no lines. Zero bytes after the last gzip member are padding, anything else is an error.
- Lines end with LF. What follows the last LF is a line unless it is empty.
- JSON is RFC 8259: no byte order mark, no raw control character in a string. Keys are duplicates
  when they are equal once their escapes are read. Nesting too deep to be read is not JSON.
- A position is one that Kafka could give: a partition below 2³¹, an offset below 2⁶³; `_timestamp`
  is an integer too, and exactly a day ahead of the clock is still allowed. `-0` is the integer 0.
- `''` means absent for every field, also for one that is not text; a blank is a value.
- The year 0000 is not a valid time. The schema is checked before the ten minutes.
- Patterns of bots and user agents are compared in lower case.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tests.harness.referee_settings import Settings

Value = str | int | bool | Decimal | Fraction | date | datetime | None
"""What a field or a column holds. Timestamps are UTC without zone."""

EPOCH = datetime(1970, 1, 1)
YEAR_2000 = datetime(2000, 1, 1)


class Position(NamedTuple):
    """The identity of a line."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime


@dataclass(frozen=True)
class Quarantined:
    """A line that rule 1 (no position) or rule 3 (with one) set aside."""

    topic: str
    raw: bytes
    position: Position | None
    reason: str
    """`not_json` or `no_position` (rule 1), `schema` or `future` (rule 3)."""
    detail: str

    @property
    def text(self) -> str:
        """The raw line as text; bytes that are not UTF-8 show as `\\xNN`."""
        return self.raw.decode(errors="backslashreplace")


@dataclass(frozen=True)
class Placed:
    """A JSON object with a complete position: a line that passed rule 1."""

    position: Position
    arrival: datetime
    raw: bytes
    members: dict[str, object]


@dataclass(frozen=True)
class Event:
    """A line that passed rule 3, with the fields of its topic; absent ones are None."""

    position: Position
    arrival: datetime
    raw: bytes
    fields: dict[str, Value]

    @property
    def event_ts(self) -> datetime:
        value = self.fields["event_ts"]
        assert isinstance(value, datetime)
        return value

    @property
    def day(self) -> date:
        return self.event_ts.date()

    def text(self, field: str) -> str:
        """A text field; absent is ''."""
        value = self.fields[field]
        assert value is None or isinstance(value, str)
        return value or ""


class UnreadableError(Exception):
    """The object is empty, cut or no gzip."""


class NotJsonError(ValueError):
    """The text is not JSON as the contract defines it."""


class BrokenError(Exception):
    """A field breaks its schema."""


@dataclass(frozen=True)
class Number:
    """A JSON number as it was written."""

    text: str

    def exact(self) -> Decimal:
        """Its value. Exponents beyond a million are taken as a million."""
        mantissa, _, exponent = self.text.lower().partition("e")
        size = int(exponent.lstrip("+-0")[:8] or "0")  # eight digits tell that it is too large
        power = min(size, 1_000_000) * (-1 if exponent.startswith("-") else 1)
        value = Decimal(mantissa).as_tuple()
        assert isinstance(value.exponent, int)
        return Decimal((value.sign, value.digits, value.exponent + power))

    def whole(self) -> int | None:
        """Its value when written without point or exponent and small enough for 64 bits."""
        short = len(self.text) <= 20 and re.fullmatch(r"-?[0-9]+", self.text)
        return int(self.text) if short else None


def lines_of(body: bytes) -> list[bytes]:
    """The lines of an object, or `UnreadableError`."""
    if not body:
        raise UnreadableError("empty")
    try:
        content = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(str(error)) from error
    lines = content.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def parse(raw: bytes) -> dict[str, object]:
    """The members of a JSON object, numbers as written, or `NotJsonError`."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
            object_pairs_hook=_without_duplicates,
        )
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error
    if not isinstance(value, dict):
        raise NotJsonError("not an object")
    for text in _texts(value):
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            raise NotJsonError("NUL or half a surrogate pair")
    return value


def _no_constant(name: str) -> object:
    raise NotJsonError(name)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJsonError("duplicate key")
    return members


def _texts(value: object) -> Iterator[str]:
    """Every key and string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)


def place(topic: str, raw: bytes, now: datetime) -> Placed | Quarantined:
    """Rule 1."""
    try:
        members = parse(raw)
    except NotJsonError as error:
        return Quarantined(topic, raw, None, "not_json", str(error))
    partition = _whole(members.get("_partition"), 2**31 - 1)
    offset = _whole(members.get("_offset"), 2**63 - 1)
    millis = _whole(members.get("_timestamp"), 10**14)
    right_topic = members.get("_topic") == topic
    if not right_topic or partition is None or offset is None or millis is None:
        return Quarantined(topic, raw, None, "no_position", "topic, partition, offset, timestamp")
    arrival = EPOCH + timedelta(milliseconds=millis)
    if not YEAR_2000 <= arrival <= now + timedelta(days=1):
        return Quarantined(topic, raw, None, "no_position", "_timestamp out of range")
    return Placed(Position(topic, partition, offset, arrival), arrival, raw, members)


def _whole(value: object, most: int) -> int | None:
    number = value.whole() if isinstance(value, Number) else None
    return number if number is not None and 0 <= number <= most else None


Reader = Callable[[object], Value]
"""Reads a JSON value that is there, or raises `BrokenError`."""


def _text(limit: int | None) -> Reader:
    def read(value: object) -> Value:
        if not isinstance(value, str):
            raise BrokenError("not a string")
        if limit is not None and len(value) > limit:
            raise BrokenError(f"longer than {limit}")
        return value

    return read


def _moment(value: object) -> Value:
    pattern = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,6})?Z"
    match = re.fullmatch(pattern, value) if isinstance(value, str) else None
    if not match:
        raise BrokenError("not a timestamp")
    micros = int((match[7] or ".0")[1:].ljust(6, "0"))
    try:
        return datetime(*(int(match[i]) for i in range(1, 7)), microsecond=micros)  # type: ignore[misc,arg-type]  # six ints
    except ValueError as error:
        raise BrokenError("no such moment") from error


def _number(value: object) -> Value:
    if not isinstance(value, Number):
        raise BrokenError("not a number")
    return value.exact()


def _share(value: object) -> Value:
    share = _number(value)
    assert isinstance(share, Decimal)
    if not 0 < share <= 1:
        raise BrokenError("not above 0 and at most 1")
    return share


def _whole_number(least: int, most: int) -> Reader:
    def read(value: object) -> Value:
        quantity = value.whole() if isinstance(value, Number) else None
        if quantity is None or not least <= quantity <= most:
            raise BrokenError(f"not an integer from {least} to {most}")
        return quantity

    return read


def _flag(value: object) -> Value:
    if not isinstance(value, bool):
        raise BrokenError("not true or false")
    return value


def _fulfilment(value: object) -> Value:
    if value not in ("ship", "pickup"):
        raise BrokenError("neither ship nor pickup")
    assert isinstance(value, str)
    return value


_CODE, _NAME, _LONG = _text(128), _text(256), _text(None)
_LEVEL, _PIECES = _whole_number(-1_000_000_000, 1_000_000_000), _whole_number(1, 10_000)
FIELDS: dict[str, dict[str, Reader]] = {
    "clickstream": {
        "event_id": _CODE, "event_type": _CODE, "event_ts": _moment, "session_id": _CODE,
        "visitor_id": _CODE, "channel": _CODE, "fulfilment": _fulfilment, "store_id": _CODE,
        "style_id": _CODE, "sku_id": _CODE, "quantity": _PIECES, "order_id": _CODE,
        "url": _LONG, "referrer": _LONG, "user_agent": _LONG,
    },
    "sku_availability": {
        "event_id": _CODE, "sku_id": _CODE, "location_id": _CODE, "available_qty": _LEVEL,
        "event_ts": _moment, "reason": _CODE,
    },
    "product_catalog": {
        "sku_id": _CODE, "style_id": _CODE, "brand": _NAME, "department": _NAME,
        "category": _NAME, "color": _NAME, "size": _NAME, "price": _number, "currency": _CODE,
        "size_share": _share, "is_active": _flag, "event_ts": _moment,
    },
}  # fmt: skip
REQUIRED = {
    "clickstream": ("event_id", "event_type", "event_ts", "channel"),
    "sku_availability": ("event_id", "sku_id", "location_id", "available_qty", "event_ts"),
    "product_catalog": ("sku_id", "style_id", "is_active", "event_ts"),
}


def verify(line: Placed) -> Event | Quarantined:
    """Rule 3."""
    topic = line.position.topic
    fields: dict[str, Value] = {}
    for name, read in FIELDS[topic].items():
        value = line.members.get(name)
        if value is None or value == "":
            fields[name] = None
            continue
        try:
            fields[name] = read(value)
        except BrokenError as error:
            return Quarantined(topic, line.raw, line.position, "schema", f"{name}: {error}")
    for name in REQUIRED[topic]:
        if fields[name] is None:
            return Quarantined(topic, line.raw, line.position, "schema", f"{name}: missing")
    if fields.get("event_type") == "product_view" and fields["style_id"] is None:
        return Quarantined(topic, line.raw, line.position, "schema", "style_id: missing")
    event = Event(line.position, line.arrival, line.raw, fields)
    if event.event_ts > line.arrival + timedelta(minutes=10):
        return Quarantined(topic, line.raw, line.position, "future", "event_ts: after arrival")
    return event


def is_late(event: Event, late_days: int) -> bool:
    """Rule 4."""
    if event.position.topic == "product_catalog":
        return False
    return event.day < event.arrival.date() - timedelta(days=late_days)


def is_human(event: Event, settings: Settings) -> bool:
    """Whether a clickstream event is none of a bot's."""
    agent = event.text("user_agent").lower()
    for exception in settings.bot_exceptions:
        agent = agent.replace(exception.lower(), "")
    return not any(pattern.lower() in agent for pattern in settings.bot_patterns)
