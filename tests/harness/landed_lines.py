"""Reads landings back, and a second implementation of the contract of a line."""

import gzip
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from ingestion.contract.strict_json import SCHEMAS
from ingestion.simulation.simulator import RetailerConfig, write_landing

SMALL = RetailerConfig(views=2_000, styles=24, locations=40, partitions=2)
BUSY = RetailerConfig(views=30_000, styles=42, locations=60)
POSITION = ("_topic", "_partition", "_offset", "_timestamp")
BOTS = ("bot", "crawl", "spider", "headless")
MINUTE_MS = 60_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Line:
    key: str
    raw: bytes

    @cached_property
    def topic(self) -> str:
        return self.key.split("/")[1]

    @cached_property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.raw)
        return event

    @property
    def position(self) -> tuple[str, int, int]:
        return self.event["_topic"], self.event["_partition"], self.event["_offset"]


def read(root: Path) -> list[Line]:
    """All lines under a root, by key and then in order."""
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return [
        Line(key, raw)
        for key, path in sorted(files.items())
        for raw in gzip.decompress(path.read_bytes()).removesuffix(b"\n").split(b"\n")
    ]


def landed(root: Path, **knobs: Any) -> list[Line]:
    write_landing(replace(SMALL, **knobs), root)
    return read(root)


def good(lines: list[Line]) -> list[Line]:
    return [line for line in lines if problem(line) is None]


def value(line: Line) -> str:
    """The event of a good line, without its position."""
    return line.raw.decode().rsplit(',"_topic":', 1)[0]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_bot(event: dict[str, Any]) -> bool:
    return any(pattern in event.get("user_agent", "").lower() for pattern in BOTS)


def delay_ms(event: dict[str, Any]) -> float:
    return float(event["_timestamp"] - instant(event["event_ts"]).timestamp() * 1000)


# --- A second implementation of the contract of a line ---


@cache
def validator(topic: str) -> Any:
    """JSON Schema, where an integer is one that is written as an integer."""
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, found: isinstance(found, int) and not isinstance(found, bool)
    )
    strict = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return strict(json.loads((SCHEMAS / f"{topic}.json").read_text()))


@cache
def problem(line: Line) -> str | None:
    """Why the loader must quarantine this line."""
    try:
        event = json.loads(
            line.raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        json.dumps(event, ensure_ascii=False).encode()
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(event, dict) or "\\u0000" in json.dumps(event):
        return "not an object"
    for name in POSITION[1:]:
        if type(event.get(name)) is not int or event[name] < 0:
            return f"no position: {name}"
    if event.get("_topic") != line.topic:
        return "no position: _topic"
    if not 946_684_800_000 <= event["_timestamp"] < 4_000_000_000_000:
        return "no position: _timestamp"
    present = {name: found for name, found in event.items() if found not in (None, "")}
    for broken in validator(line.topic).iter_errors(present):
        return f"schema: {broken.message}"
    try:
        happened = instant(event["event_ts"])
    except ValueError:
        return "schema: event_ts is no real moment"
    if happened.timestamp() * 1000 > event["_timestamp"] + 10 * MINUTE_MS:
        return "arrived before it happened"
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)
