"""The referee: the outcome that the contract requires for the landed objects, in plain Python.

    outcome = referee([[Delivery(key, body), …], [], "replay", …], Settings())

A step is a load (what is newly listed when it runs) or `"replay"` (of all late events set aside so
far). Choices where the contract is silent (those on lines are in `referee_lines`, those on tables
in `referee_marts`):

- Of two versions of a key in one load only the last can be listed.
- A key that lands again with the same bytes is the same object: not read again.
- Positions of quarantined, late and duplicate lines count as seen, too.
- A late event whose event is already staged when it is replayed is not staged; its position counts
  for the smallest. Late events are replayed in the order of their positions.
- An unreadable object has no counts (all 0). It stays unreadable under its digest when its key is
  rewritten and that version loads.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import folder_hour, is_landed
from tests.harness.referee_lines import (
    Event,
    Placed,
    Position,
    Quarantined,
    UnreadableError,
    is_late,
    lines_of,
    place,
    verify,
)
from tests.harness.referee_marts import Mart, build
from tests.harness.referee_settings import Settings

__all__ = ["Delivery", "LateEvent", "Object", "Outcome", "Settings", "Step", "digest", "referee"]


@dataclass(frozen=True)
class Delivery:
    """An object in the landing lake."""

    key: str
    body: bytes


Step = list[Delivery] | Literal["replay"]


@dataclass(frozen=True)
class Object:
    """The audit row of an object: lines = loaded + duplicates + late + quarantined."""

    status: str
    """`loaded` or `unreadable`"""
    lines: int = 0
    loaded: int = 0
    duplicates: int = 0
    late: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class LateEvent:
    """An event that rule 4 set aside, replayed or not."""

    position: Position
    raw: bytes


@dataclass(frozen=True)
class Outcome:
    """The expected state after the last step."""

    objects: dict[tuple[str, str], Object]
    """By key and digest of the body."""
    quarantined: list[Quarantined]
    """In the order of loading; a line without position once per delivery."""
    late: list[LateEvent]
    """In the order of loading, each once; a replay does not remove them."""
    loaded: int
    """Lines that rule 6 loaded: the sum over all objects."""
    replayed: int
    """Late events that a replay staged; staged rows = loaded + replayed."""
    conflicts: set[tuple[Position, bytes]]
    """Copies that differ from the copy that counts, the one read first."""
    marts: dict[str, Mart]

    @property
    def quarantined_distinct(self) -> set[tuple[str, object]]:
        """(topic, position, or the raw line where there is none), however often delivered."""
        return {(q.topic, q.position or q.raw) for q in self.quarantined}

    @property
    def late_positions(self) -> set[Position]:
        return {late.position for late in self.late}


def digest(body: bytes) -> str:
    """MD5 in hex: S3's ETag of a small object."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def referee(steps: Sequence[Step], settings: Settings | None = None) -> Outcome:
    """Apply the steps in order and return the expected state at the end."""
    loader = _Loader(settings or Settings())
    for step in steps:
        if step == "replay":
            loader.replay()
        else:
            loader.load(step)
    return loader.outcome()


class _Loader:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.objects: dict[tuple[str, str], Object] = {}
        self.seen: set[Position] = set()
        self.quarantined: list[Quarantined] = []
        self.late: list[Event] = []
        self.waiting: list[Event] = []
        self.events: dict[tuple[str, date, str], Event] = {}
        self.catalog: list[Event] = []
        self.replayed = 0
        self.conflicts: set[tuple[Position, bytes]] = set()

    def load(self, deliveries: list[Delivery]) -> None:
        listed = {d.key: d.body for d in deliveries if _is_listed(d.key)}
        for key in sorted(listed, key=_reading_order):
            identity = key, digest(listed[key])
            if identity not in self.objects:
                self.objects[identity] = self.read(key, listed[key])

    def read(self, key: str, body: bytes) -> Object:
        try:
            lines = lines_of(body)
        except UnreadableError:
            return Object("unreadable")
        topic, now = key.split("/")[1], self.settings.now
        outcomes = [
            self.outcome_of(line)
            for line in sorted((place(topic, raw, now) for raw in lines), key=_position_or_none)
        ]
        return Object(
            "loaded",
            lines=len(lines),
            loaded=outcomes.count("loaded"),
            duplicates=outcomes.count("duplicate"),
            late=outcomes.count("late"),
            quarantined=outcomes.count("quarantined"),
        )

    def outcome_of(self, line: Placed | Quarantined) -> str:
        """The outcome of a line: the first rule that applies."""
        if isinstance(line, Quarantined):  # 1
            self.quarantined.append(line)
            return "quarantined"
        if line.position in self.seen:  # 2
            return "duplicate"
        self.seen.add(line.position)
        event = verify(line)
        if isinstance(event, Quarantined):  # 3
            self.quarantined.append(event)
            return "quarantined"
        if is_late(event, self.settings.late_days):  # 4
            self.late.append(event)
            self.waiting.append(event)
            return "late"
        return "loaded" if self.accept(event) else "duplicate"  # 6, 5

    def accept(self, event: Event) -> bool:
        """Accept an event; False if a copy of it was already accepted."""
        topic = event.position.topic
        if topic == "product_catalog":
            self.catalog.append(event)
            return True
        identity = topic, event.day, event.text("event_id")
        first = self.events.get(identity)
        if first is None:
            self.events[identity] = event
            return True
        if _contract_fields(first) != _contract_fields(event):
            self.conflicts.add((event.position, event.raw))
        smallest = min(first.position, event.position)
        self.events[identity] = replace(first, position=smallest)
        return False

    def replay(self) -> None:
        for event in sorted(self.waiting, key=lambda e: e.position):
            self.replayed += self.accept(event)
        self.waiting = []

    def outcome(self) -> Outcome:
        events = self.events.values()
        clicks = [e for e in events if e.position.topic == "clickstream"]
        changes = [e for e in events if e.position.topic == "sku_availability"]
        return Outcome(
            objects=self.objects,
            quarantined=self.quarantined,
            late=[LateEvent(event.position, event.raw) for event in self.late],
            loaded=sum(each.loaded for each in self.objects.values()),
            replayed=self.replayed,
            conflicts=self.conflicts,
            marts=build(clicks, changes, self.catalog, self.settings),
        )


def _is_listed(key: str) -> bool:
    return is_landed(key) and key.split("/")[1] in TOPICS


def _reading_order(key: str) -> tuple[datetime, str]:
    hour = folder_hour(key)
    assert hour is not None
    return hour, key


def _position_or_none(line: Placed | Quarantined) -> tuple[object, ...]:
    """Within an object, lines are taken by position."""
    return tuple(line.position or ())


def _contract_fields(event: Event) -> dict[str, object]:
    """The fields that copies must share: '' is absent, long texts are cut, none is `ship`."""
    fields = {
        name: value[:2048] if isinstance(value, str) else value
        for name, value in event.fields.items()
    }
    if "fulfilment" in fields:
        fields["fulfilment"] = fields["fulfilment"] or "ship"
    return {name: value for name, value in fields.items() if value not in ("", None)}
