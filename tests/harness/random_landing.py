"""How the lines of a random shop land: in files, late, again, unreadable, rewritten with more."""

import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from random import Random

from ingestion.lake.object_keys import object_key
from tests.harness.random_shop import HOUR, MILLI, SECOND, START, Draft, Shop
from tests.harness.referee import Delivery
from tests.harness.referee_lines import EPOCH


@dataclass
class _File:
    topic: str
    partition: int
    start_offset: int
    opened: datetime
    landed: datetime
    lines: list[bytes]


def landed(shop: Shop) -> list[tuple[datetime, Delivery]]:
    """The objects in the order in which they land, and when; the versions of a key grow."""
    rng, files = shop.rng, _files(shop)
    _redeliver(rng, files)
    versions: dict[str, list[bytes]] = {}
    waiting: list[tuple[float, float, datetime, str]] = []
    direction = rng.choice([1, 1, 1, 0, -1])  # in time, in any order, backwards
    for file in files:
        opened = file.opened
        while (
            key := object_key(file.topic, opened, file.partition, file.start_offset)
        ) in versions:
            opened += HOUR
        versions[key] = _versions(rng, file.lines, 0.02 if shop.is_calm else 0.2)
        for number in range(len(versions[key])):
            moment = file.landed + number * rng.choice([1, 7200]) * SECOND
            rank = (moment - START).total_seconds() * direction
            waiting.append((rank, rng.random(), moment, key))
    return [(at, Delivery(key, versions[key].pop(0))) for _, _, at, key in sorted(waiting)]


def _files(shop: Shop) -> list[_File]:
    """The files of the sink: lines of one topic and partition, in the order of their offsets."""
    rng = shop.rng
    jitter = 0 if shop.is_calm else rng.choice([0, 0, 3600, 10 * 86400])
    delays = [0, 5, 60] if shop.is_calm else [0, 5, 60, 7200, 2 * 86400]
    logs: dict[tuple[str, int], list[Draft]] = defaultdict(list)
    for draft in sorted(shop.drafts, key=lambda d: d.arrival + rng.randint(0, jitter) * SECOND):
        logs[draft.topic, draft.partition].append(draft)
    files = []
    for (topic, partition), log in sorted(logs.items()):
        offset = first_offset = rng.choice([0, 8, 8, 96, 9_999_999_998, 2**40])
        while log:
            if rng.random() < 0.05:  # the topic is made anew
                offset = first_offset
            length = rng.choice([1, 2, 5, 20])
            if shop.is_calm:  # a new file every day
                day = log[0].arrival.date()
                length = min(length, sum(draft.arrival.date() == day for draft in log))
            chunk, log = log[:length], log[length:]
            start, lines = offset, []
            for draft in chunk:
                lines.append(_line(draft, offset, first=rng.random() < 0.1))
                offset += rng.choice([1, 1, 1, 2, 5])
            landed = max(draft.arrival for draft in chunk)
            landed += rng.choice(delays) * SECOND
            files.append(_File(topic, partition, start, chunk[0].arrival, landed, lines))
    return files


def _line(draft: Draft, offset: int, first: bool) -> bytes:
    """The line of a draft, with the members of its position first or last."""
    place = {
        "_topic": draft.topic,
        "_partition": draft.partition,
        "_offset": offset,
        "_timestamp": (draft.arrival - EPOCH) // MILLI,
    }
    return draft.write({**place, **draft.fields} if first else {**draft.fields, **place})


def _redeliver(rng: Random, files: list[_File]) -> None:
    """Lines land again in files of other names: whole files, or a few lines of a partition."""
    for _ in range(rng.choice([0, 0, 1, 3])):
        file = rng.choice(files)
        lines = file.lines[rng.randrange(len(file.lines)) :]
        if rng.random() < 0.5:
            log = file.topic, file.partition
            lines = lines + rng.choice([f for f in files if (f.topic, f.partition) == log]).lines
        opened = file.opened + rng.choice([0, 1, 2]) * HOUR
        start = file.start_offset + rng.choice([0, 1, 3])
        landed = file.landed + rng.choice([-3600, 0, 60, 86400]) * SECOND
        files.append(_File(file.topic, file.partition, start, opened, landed, lines))


def _versions(rng: Random, lines: list[bytes], often: float) -> list[bytes]:
    """The successive bodies of an object; mostly one."""
    last = _gzipped(rng, lines)
    draw = rng.random()
    if draw < 0.005:  # unreadable for good
        return [_damaged(rng, lines)]
    if draw < 0.015:  # unreadable until it is rewritten
        return [_damaged(rng, lines), last]
    if draw < often and len(lines) > 1:  # rewritten with more lines, once or twice
        cuts = sorted(rng.sample(range(1, len(lines)), rng.choice([1, min(2, len(lines) - 1)])))
        return [*(_gzipped(rng, lines[:cut]) for cut in cuts), last]
    return [last]


def _gzipped(rng: Random, lines: list[bytes]) -> bytes:
    """The lines as gzip: sometimes in two members, sometimes without a newline at the end."""
    content = b"\n".join(lines)
    if rng.random() < 0.9 or lines[-1] == b"":
        content += b"\n"
    cut = rng.randint(0, len(content)) if rng.random() < 0.15 else 0
    members = [content[:cut], content[cut:]] if cut else [content]
    return b"".join(gzip.compress(member, mtime=0) for member in members)


def _damaged(rng: Random, lines: list[bytes]) -> bytes:
    """A body that can't be read: empty, cut anywhere, or no gzip."""
    content = b"\n".join(lines) + b"\n"
    body = gzip.compress(content, mtime=0)
    cut = body[: rng.randrange(1, len(body))]
    return rng.choice([b"", cut, cut, content, body + b"tail"])
