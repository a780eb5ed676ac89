"""Random histories: how the lines of a small shop land, with everything that goes wrong.

`history(seed)` is a list of steps for the referee and for the warehouse alike. A line is the same
bytes wherever it lands again. Files land in any order, also in old folders long after newer ones
were loaded: a loader that lists from the newest folder less its slack misses none when the slack
is `SLACK_HOURS`.
"""

import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from random import Random

from ingestion.landing import object_key
from tests.dbt.oracle import Delivery, Settings, Step
from tests.dbt.oracle_lines import EPOCH
from tests.dbt.random_shop import HOUR, MILLI, SECOND, START, Draft, Shop

SLACK_HOURS = 240


@dataclass(frozen=True)
class History:
    """Loads and replays in their order, for a warehouse with these settings."""

    seed: int
    settings: Settings
    steps: list[Step]


@dataclass
class _File:
    topic: str
    partition: int
    start_offset: int
    opened: datetime
    landed: datetime
    lines: list[bytes]


def history(seed: int) -> History:
    """The history of a seed; always the same one."""
    rng = Random(seed)
    patterns = rng.choice([Settings.bot_patterns] * 4 + [("sync", "spider")])
    settings = Settings(rng.choice([3, 3, 0, 1]), patterns, rng.choice([1, 1, 1, 2]))
    files = _files(Shop.opened(rng, settings))
    _redeliver(rng, files)
    loads = _in_loads(rng, _landed(rng, files))
    steps: list[Step] = [*loads]
    if rng.random() < 0.15:
        steps.insert(rng.randint(0, len(steps)), "replay")
    if rng.random() < 0.35:
        steps.append("replay")
    return History(seed, settings, steps)


def split(history: History, rng: Random) -> History:
    """The same deliveries in their order, in other loads; replays stay where they are."""
    steps: list[Step] = []
    for stretch in _stretches(history):
        steps += [*_in_loads(rng, stretch), "replay"]
    return History(history.seed, history.settings, steps[:-1])


def merged(history: History) -> History:
    """One load of what finally lies in the lake: of every key the last version.

    A replay takes what was late until then, so the loads before and after it stay apart.
    """
    steps: list[Step] = []
    for stretch in _stretches(history):
        last = {delivery.key: delivery for delivery in stretch}
        steps += [list(last.values()), "replay"]
    return History(history.seed, history.settings, steps[:-1])


def _stretches(history: History) -> list[list[Delivery]]:
    """The deliveries before, between and after the replays."""
    stretches: list[list[Delivery]] = [[]]
    for step in history.steps:
        if step == "replay":
            stretches.append([])
        else:
            stretches[-1] += step
    return stretches


def _in_loads(rng: Random, deliveries: list[Delivery]) -> list[list[Delivery]]:
    """Cut into loads; two versions of a key are never in one, and some loads find nothing."""
    loads: list[list[Delivery]] = [[]]
    often = rng.choice([0.02, 0.1, 0.3, 1.0])
    for delivery in deliveries:
        if rng.random() < often or delivery.key in {d.key for d in loads[-1]}:
            loads.append([])
            if rng.random() < 0.02:
                loads.append([])
        loads[-1].append(delivery)
    return loads


def _files(shop: Shop) -> list[_File]:
    """The files of the sink: lines of one topic and partition, in the order of their offsets."""
    rng = shop.rng
    jitter = rng.choice([0, 0, 3600, 10 * 86400])
    logs: dict[tuple[str, int], list[Draft]] = defaultdict(list)
    for draft in sorted(shop.drafts, key=lambda d: d.arrival + rng.randint(0, jitter) * SECOND):
        logs[draft.topic, draft.partition].append(draft)
    files = []
    for (topic, partition), log in sorted(logs.items()):
        offset = rng.choice([0, 7, 9_999_999_998, 2**40])
        while log:
            chunk = [log.pop(0) for _ in range(min(len(log), rng.choice([1, 2, 5, 20])))]
            start, lines = offset, []
            for draft in chunk:
                lines.append(_line(draft, offset, first=rng.random() < 0.1))
                offset += rng.choice([1, 1, 1, 2, 5])
            landed = max(draft.arrival for draft in chunk)
            landed += rng.choice([0, 5, 60, 7200, 2 * 86400]) * SECOND
            files.append(_File(topic, partition, start, chunk[0].arrival, landed, lines))
    return files


def _line(draft: Draft, offset: int, first: bool) -> bytes:
    """The line of a draft, the members of its position first or last."""
    place = {
        "_topic": draft.topic,
        "_partition": draft.partition,
        "_offset": offset,
        "_timestamp": (draft.arrival - EPOCH) // MILLI,
    }
    return draft.write({**place, **draft.fields} if first else {**draft.fields, **place})


def _redeliver(rng: Random, files: list[_File]) -> None:
    """Land lines again in files of other names: whole files, or a few lines of a partition."""
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


def _landed(rng: Random, files: list[_File]) -> list[Delivery]:
    """The objects in the order in which they land; the versions of a key grow."""
    versions: dict[str, list[bytes]] = {}
    waiting: list[tuple[float, float, str]] = []
    direction = rng.choice([1, 1, 1, 0, -1])  # in time, in any order, backwards
    for file in files:
        opened = file.opened
        while (
            key := object_key(file.topic, opened, file.partition, file.start_offset)
        ) in versions:
            opened += HOUR
        versions[key] = _versions(rng, file.lines)
        for number in range(len(versions[key])):
            landed = file.landed + number * rng.choice([1, 7200]) * SECOND
            waiting.append(((landed - START).total_seconds() * direction, rng.random(), key))
    return [Delivery(key, versions[key].pop(0)) for _, _, key in sorted(waiting)]


def _versions(rng: Random, lines: list[bytes]) -> list[bytes]:
    """The bodies that an object has one after another; mostly one."""
    last = _packed(rng, lines)
    draw = rng.random()
    if draw < 0.005:  # unreadable for good
        return [_damaged(rng, lines)]
    if draw < 0.015:  # unreadable until it is rewritten
        return [_damaged(rng, lines), last]
    if draw < 0.2 and len(lines) > 1:  # rewritten with more lines, once or twice
        cuts = sorted(rng.sample(range(1, len(lines)), rng.choice([1, min(2, len(lines) - 1)])))
        return [*(_packed(rng, lines[:cut]) for cut in cuts), last]
    return [last]


def _packed(rng: Random, lines: list[bytes]) -> bytes:
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
