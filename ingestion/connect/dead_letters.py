"""Lands what Kafka Connect could not write, to be loaded into `audit.dead_letters`.

Connect sends a record that it cannot convert to the topic `dead_letters`, the reason in headers.
A sink cannot write headers beside values in one object, so this small consumer does: one line per
record, in the layout of the landing lake. It delivers at least once, as the sink does: it commits
what it has written, and the loader drops duplicates.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from isal import igzip
from obstore import put
from obstore.exceptions import BaseError

from ingestion.connect.kafka_client import client_config
from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake import landed_objects, object_keys
from ingestion.lake.object_text import first_line
from ingestion.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CONSUMER = {
    "group.id": "dead-letters",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "session.timeout.ms": 10_000,
    "log_level": 0,
}
MOST = 10_000
"""Records in one object."""
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of records in one object; the last may exceed them."""
A_DAY_MS = 86_400_000
EARLIEST_MS = 946_684_800_000
"""The first moment of 2000, before which the loader takes no timestamp."""
LONGEST = 32_000
"""Characters kept of a raw value, as long as `audit.dead_letters.raw_line`."""
LONGEST_TOPIC = 64
"""Characters kept of a topic's name, as in the contract."""


def letter(message: Any) -> dict[str, Any]:
    """A dead letter as one line: its origin, the reason and its value."""
    headers = {name: value for name, value in message.headers() or [] if value is not None}

    def header(name: str, default: str = "") -> str:
        return _text(headers.get(f"__connect.errors.{name}", default.encode()))

    why = header("exception.message") or header("exception.class.name") or "no reason was given"
    stamp, now = message.timestamp()[1], int(time.time() * 1000)
    if not EARLIEST_MS <= stamp <= now + A_DAY_MS:  # such as seconds: the loader would refuse it
        stamp = now
    failed = datetime.fromtimestamp(stamp / 1000, UTC)
    return {
        "origin_topic": header("topic")[:LONGEST_TOPIC] or message.topic(),
        "origin_partition": _whole(header("partition"), 2**31, message.partition()),
        "origin_offset": _whole(header("offset"), 2**63, message.offset()),
        "reason": f"{header('stage', 'unknown stage')}: {why}"[:512],
        "raw_value": _text(message.value()),
        "event_ts": f"{failed:%Y-%m-%dT%H:%M:%S.%f}Z",
        "_topic": message.topic(),
        "_partition": message.partition(),
        "_offset": message.offset(),
        "_timestamp": stamp,
    }


def _whole(text: str, end: int, default: int) -> int:
    """A header's number below `end`; the letter's own where it has none, or something else."""
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and int(text) < end else default


def _text(value: bytes | None) -> str:
    """Bytes that are not UTF-8 become `\\xNN`; so does NUL, which many JSON parsers reject."""
    kept = (value or b"")[: 4 * LONGEST]  # UTF-8 has at most four bytes for a character
    return kept.decode(errors="backslashreplace").replace("\0", "\\x00")[:LONGEST]


def land(store: "ObjectStore", messages: Sequence[Any]) -> list[str]:
    """Write the messages of one read, an object per partition; return the keys."""
    by_partition: dict[int, list[Any]] = defaultdict(list)
    for message in messages:
        by_partition[message.partition()].append(message)
    keys = []
    for partition, group in sorted(by_partition.items()):
        lines = "".join(json.dumps(letter(each), ensure_ascii=False) + "\n" for each in group)
        key = object_keys.object_key(DEAD_LETTERS, datetime.now(UTC), partition, group[0].offset())
        put(store, key, igzip.compress(lines.encode(), mtime=0))
        keys.append(key)
    return keys


class Drain:
    """Reads the topic and lands it, until `stop()`."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        from confluent_kafka import Consumer

        self._store = landed_objects.open_store(settings)
        self._say = say
        self._stopped = False
        self._problems: set[str] = set()
        self._consumer: Any = Consumer(client_config(settings, CONSUMER, self._say_problem))

    def stop(self, *_: object) -> None:
        """Land what was read, then end."""
        self._stopped = True

    def run(self, seconds: float) -> int:
        """Land new records every so many seconds; return how many were landed."""
        landed = 0
        self._consumer.subscribe([DEAD_LETTERS])
        try:
            while not self._stopped:
                landed += self._once(seconds)
        finally:
            self._consumer.close()
        return landed

    def _say_problem(self, problem: str) -> None:
        """Kafka's client tries again by itself: what it says is said once."""
        if problem not in self._problems:
            self._problems.add(problem)
            self._say(f"dead letters cannot be read from Kafka, trying again: {problem}")

    def _once(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        messages: list[Any] = []
        held = 0
        while not self._stopped and time.monotonic() < deadline:
            message = self._consumer.poll(0.5)
            if message is not None and (error := message.error()):
                self._say_problem(str(error))
            elif message is not None:
                self._problems.clear()
                messages.append(message)
                held += len(message)
            if len(messages) == MOST or held >= MOST_BYTES:
                break
        while messages:
            try:
                keys = land(self._store, messages)
            except (BaseError, OSError) as error:
                self._say(f"the lake cannot be written, trying again: {first_line(error)}")
                if self._stopped:
                    return 0  # not committed: they are read again
                time.sleep(seconds)
                continue
            self._consumer.commit(asynchronous=False)
            self._say(f"landed {', '.join(keys)}")
            break
        return len(messages)
