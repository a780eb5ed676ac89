"""Writes records to the landing lake as Kafka Connect's S3 sink does, faults included.

A `Sink` gives every record its partition and offset, appends the position to its object and closes
a file per topic, partition and window of arrival.
"""

import json
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from ingestion.contract.topics import TOPICS
from ingestion.lake import object_keys
from ingestion.simulation import dirt

HOUR_MS = 3_600_000
GZIP_LEVEL = 3
"""Half the CPU of the sink's own level 6, for files 14 % larger."""


class Record(NamedTuple):
    """A Kafka record."""

    topic: str
    key: str
    value: bytes
    """The event: one JSON object in UTF-8, no line break, no position."""
    timestamp: int
    """CreateTime: milliseconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class SinkConfig:
    """How records land. Rates are shares of lines (0 = never, 1 = always), except where stated."""

    seed: int = 1
    partitions: int = 4
    """Partitions of each topic; a record's is the CRC-32 of its key modulo this."""
    file_minutes: int = 60
    """Minutes of arrivals in one file: a divisor of 60."""
    duplicate_rate: float = 0.0
    """Lines that land again, same position, in a file of the next hour: runs, as after a crash."""
    dirty_rate: float = 0.0
    """Malformed lines per good line. Each is a spoiled copy of a good line, which lands as well;
    each takes an offset of its own, whether or not it can still be read. Kinds: `dirt.KINDS`."""
    rewrite_rate: float = 0.0
    """Share of keys (not lines) that are first written with fewer lines, then with all."""

    def __post_init__(self) -> None:
        if self.partitions < 1:
            raise ValueError(f"partitions={self.partitions}: at least 1")
        if self.file_minutes < 1 or 60 % self.file_minutes:
            raise ValueError(f"file_minutes={self.file_minutes}: a divisor of 60, such as 15")
        for name, value in vars(self).items():
            if name.endswith("_rate") and not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: a share between 0 and 1")


class Write(NamedTuple):
    """One file as it is put in the lake, gzip with mtime 0."""

    key: str
    body: bytes
    lines: int
    final: bool
    """False for the shorter first version of a key that is written again later."""


@dataclass
class Summary:
    """What landed, by the final version of each key: lines = records + redelivered + dirty."""

    objects: int = 0
    lines: int = 0
    bytes: int = 0
    """On disk (gzip)."""
    records: Counter[str] = field(default_factory=Counter)
    """Good lines per topic, each position once."""
    redelivered: int = 0
    dirty: Counter[str] = field(default_factory=Counter)
    """Malformed lines per kind."""
    rewritten: int = 0
    """Keys that were written twice."""


@dataclass
class _File:
    """An open file: its lines so far, compressed."""

    key: str
    rewritten: bool = False
    lines: int = 0
    body: bytearray = field(default_factory=bytearray)
    early: Write | None = None
    # 31: gzip framing; zlib writes no name and mtime 0, so equal lines give equal bytes
    zip: "zlib._Compress" = field(
        default_factory=lambda: zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    )

    def append(self, lines: Sequence[bytes]) -> None:
        """Adds lines, which have their line breaks."""
        if self.rewritten and self.early is None:
            half = max(1, len(lines) // 2)
            self._pack(lines[:half])
            body = bytes(self.body) + self.zip.copy().flush()
            self.early = Write(self.key, body, self.lines, False)
            lines = lines[half:]
        self._pack(lines)

    def close(self) -> Write:
        return Write(self.key, bytes(self.body) + self.zip.flush(), self.lines, True)

    def _pack(self, lines: Sequence[bytes]) -> None:
        self.lines += len(lines)
        self.body += self.zip.compress(b"".join(lines))


@dataclass
class _Partition:
    """The end of a partition's log, and the files that are open for it."""

    topic: str
    number: int
    offset: int = 0
    """Offset of the next line."""
    records: list[Record] = field(default_factory=list)
    """What arrived since the file last grew."""
    file: _File | None = None
    again: _File | None = None
    """What the next hour delivers a second time."""

    def key(self, timestamp: int, start_offset: int) -> str:
        """The key of a file that opens at this time, in milliseconds since the epoch."""
        opened = datetime.fromtimestamp(timestamp // 1000, UTC)
        return object_keys.object_key(self.topic, opened, self.number, start_offset)


class Sink:
    """Turns records into files of the landing lake; `summary` counts them as they close.

    Holds only the open files, compressed. One sink is one log from offset 0 on: use it once.
    """

    def __init__(self, config: SinkConfig) -> None:
        self.summary = Summary()
        self._config = config
        self._topics = {
            topic: [_Partition(topic, number) for number in range(config.partitions)]
            for topic in sorted(TOPICS)
        }
        self._partitions = [each for numbered in self._topics.values() for each in numbered]
        self._window_ms = config.file_minutes * 60_000
        self._window = 0
        self._rewrites: list[Write] = []
        self._kinds = {topic: cycle(kinds) for topic, kinds in dirt.KINDS.items()}
        # A stream of its own for each fault: turning one on does not change the others.
        self._rng_dirt, self._rng_again, self._rng_rewrite = (
            np.random.default_rng([config.seed, 100, fault]) for fault in range(3)
        )

    def writes(self, chunks: Iterable[Sequence[Record]]) -> Iterator[Write]:
        """The files, in the order in which they are put. Records must come by timestamp."""
        for chunk in chunks:
            begin = 0
            while begin < len(chunk):
                window = chunk[begin].timestamp // self._window_ms
                if window < self._window:
                    raise ValueError(f"{chunk[begin]} comes too late: sort records by timestamp")
                if window > self._window:
                    yield from self._close(self._hour_ms(window) > self._hour_ms(self._window))
                    self._window = window
                end = bisect_left(
                    chunk, (window + 1) * self._window_ms, lo=begin, key=attrgetter("timestamp")
                )
                self._append(chunk[begin:end])
                begin = end
        yield from self._close(True)
        yield from map(self._counted, self._rewrites)

    def _hour_ms(self, window: int) -> int:
        """The begin of the hour in which a window lies."""
        return window * self._window_ms // HOUR_MS * HOUR_MS

    def _append(self, records: Sequence[Record]) -> None:
        """Adds the records of one window to the files of their partitions."""
        crc32, count = zlib.crc32, self._config.partitions
        for record in records:
            self._topics[record[0]][crc32(record[1].encode()) % count].records.append(record)
        for partition in self._partitions:
            if partition.records:
                self._flush(partition)

    def _flush(self, partition: _Partition) -> None:
        """Moves a partition's new records into its file, and some of them into the next hour's."""
        topic, records, offset = partition.topic, partition.records, partition.offset
        if partition.file is None:
            rewritten = self._rng_rewrite.random() < self._config.rewrite_rate
            partition.file = _File(partition.key(records[0].timestamp, offset), rewritten)
        spoiled = self._rng_dirt.random(len(records)) < self._config.dirty_rate
        # A spoiled copy follows its original and has the offset after it.
        offsets = (offset + np.arange(len(records)) + np.cumsum(spoiled) - spoiled).tolist()
        shape = b'%%b,"_topic":"%b","_partition":%d,"_offset":%%d,"_timestamp":%%d}\n' % (
            topic.encode(),
            partition.number,
        )
        lines = [
            shape % (value[:-1], number, timestamp)
            for number, (_, _, value, timestamp) in zip(offsets, records, strict=True)
        ]
        self.summary.records[topic] += len(lines)
        self._redeliver(partition, offsets, lines)
        for k in np.flatnonzero(spoiled).tolist():
            copy = offsets[k] + 1
            kind = next(self._kinds[topic])  # each topic takes them in turn
            line = json.loads(lines[copy - offset - 1]) | {"_offset": copy}
            lines.insert(copy - offset, dirt.spoil(kind, line) + b"\n")
            self.summary.dirty[kind] += 1
        partition.file.append(lines)
        partition.offset += len(lines)
        partition.records = []

    def _redeliver(self, partition: _Partition, offsets: list[int], lines: list[bytes]) -> None:
        """Puts a run of these lines into the file that the next hour delivers again."""
        count = int(len(lines) * self._config.duplicate_rate + self._rng_again.random())
        if not count:
            return
        first = int(self._rng_again.integers(len(lines) - count + 1))
        if partition.again is None:
            # The hour after: its own files start with later offsets, so the keys never meet.
            next_hour = self._hour_ms(self._window) + HOUR_MS
            partition.again = _File(partition.key(next_hour, offsets[first]))
        partition.again.append(lines[first : first + count])
        self.summary.redelivered += count

    def _close(self, hour_ends: bool) -> Iterator[Write]:
        """Closes the files of a window, and completes the rewrites of the one before."""
        rewrites, self._rewrites = self._rewrites, []
        for partition in self._partitions:
            if partition.file is None:
                continue
            final, early = partition.file.close(), partition.file.early
            partition.file = None
            if early is not None and early.lines < final.lines:
                self._rewrites.append(final)
                self.summary.rewritten += 1
                yield early
            else:
                yield self._counted(final)
        yield from map(self._counted, rewrites)
        for partition in self._partitions:
            if hour_ends and partition.again is not None:
                yield self._counted(partition.again.close())
                partition.again = None

    def _counted(self, write: Write) -> Write:
        self.summary.objects += 1
        self.summary.lines += write.lines
        self.summary.bytes += len(write.body)
        return write
