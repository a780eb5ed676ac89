"""Random histories: how the lines of a small shop land, with everything that goes wrong.

`history(seed)` is a list of steps for the referee and for the warehouse alike. A load costs about
the same whatever its size, so `packed(seeds)` is many histories in one: members of the same days,
each with ids and partitions of its own; what happens to one must not touch another. `alone` takes
a member out again.

A line is the same bytes wherever it lands again. Files land in any order, also in old folders long
after newer ones were loaded: a loader that lists from the newest folder less its slack misses none
when the slack is `SLACK_HOURS`.
"""

import gzip
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from ingestion.landing import object_key
from tests.dbt.oracle import Delivery, Settings, Step
from tests.dbt.oracle_lines import EPOCH
from tests.dbt.random_shop import HOUR, MILLI, PARTITIONS, SECOND, START, Draft, Shop

SLACK_HOURS = 240
VERSIONS = 3
"""The most versions that a key has, so the fewest loads that hold them all."""


@dataclass(frozen=True)
class History:
    """Loads and replays in their order, for a warehouse with these settings."""

    seeds: tuple[int, ...]
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
    """The history of a seed; always the same one, of at most ten loads."""
    rng = Random(seed)
    settings = _settings(rng)
    deliveries = _landed(rng, _redelivered(rng, _files(Shop.opened(rng, settings))))
    count = rng.choice([_least_loads(deliveries), VERSIONS, 4, 7, 10])
    steps = _with_replays(rng, _in_loads(rng, deliveries, count))
    return History((seed,), settings, steps)


def packed(seeds: Sequence[int], loads: int = 6) -> History:
    """A history for every seed, in one lake and warehouse, with settings drawn once.

    Args:
        loads: The most loads (at least 4); at most two replays come on top.
    """
    rng = Random(repr(seeds))
    settings, count = _settings(rng), rng.randint(4, loads)
    merged_loads: list[list[Delivery]] = [[] for _ in range(count)]
    for member, seed in enumerate(seeds):
        own = Random(seed)
        deliveries = _landed(own, _redelivered(own, _files(Shop.opened(own, settings, member))))
        for load, part in zip(merged_loads, _in_loads(own, deliveries, count), strict=True):
            load += part
    return History(tuple(seeds), settings, _with_replays(rng, merged_loads))


def alone(pack: History, member: int) -> History:
    """What of a pack is its member's (0 …): the same steps without the others' objects."""
    steps: list[Step] = [
        step if step == "replay" else [d for d in step if _partition(d.key) // PARTITIONS == member]
        for step in pack.steps
    ]
    return History((pack.seeds[member],), pack.settings, steps)


def split(history: History, rng: Random, loads: int = 10) -> History:
    """The same deliveries in other loads; replays stay where they are.

    The versions of a key keep their order. Sometimes every topic or partition is cut at points of
    its own, so that one is loaded long before another.

    Args:
        loads: The most loads, unless two versions of a key would be in one.
    """
    stretches = _stretches(history)
    counts = [_least_loads(stretch) for stretch in stretches]
    busy = [number for number, count in enumerate(counts) if count]
    for _ in range(rng.randint(0, max(0, loads - sum(counts)))):
        counts[rng.choice(busy)] += 1
    cut_together: Callable[[str], str] = rng.choice([lambda _: "", _topic, _log])
    steps: list[Step] = []
    for stretch, count in zip(stretches, counts, strict=True):
        parts: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in stretch:
            parts[cut_together(delivery.key)].append(delivery)
        cut = [_in_loads(rng, part, count) for part in parts.values()]
        steps += [[d for each in cut for d in each[number]] for number in range(count)]
        steps.append("replay")
    return History(history.seeds, history.settings, steps[:-1])


def merged(history: History) -> History:
    """One load of what finally lies in the lake: of every key the last version.

    A replay takes what was late until then, so the loads before and after it stay apart.
    """
    steps: list[Step] = []
    for stretch in _stretches(history):
        last = {delivery.key: delivery for delivery in stretch}
        steps += [list(last.values()), "replay"] if last else ["replay"]
    return History(history.seeds, history.settings, steps[:-1])


def _settings(rng: Random) -> Settings:
    patterns = rng.choice([Settings.bot_patterns] * 4 + [("sync", "spider")])
    return Settings(rng.choice([3, 3, 0, 1]), patterns, rng.choice([1, 1, 1, 2]))


def _with_replays(rng: Random, loads: list[list[Delivery]]) -> list[Step]:
    """The loads, often with a replay among them, after them, or both."""
    steps: list[Step] = [*loads]
    if rng.random() < 0.3:
        steps.insert(rng.randint(0, len(steps)), "replay")
    if rng.random() < 0.45:
        steps.append("replay")
    return steps


def _stretches(history: History) -> list[list[Delivery]]:
    """The deliveries before, between and after the replays."""
    stretches: list[list[Delivery]] = [[]]
    for step in history.steps:
        if step == "replay":
            stretches.append([])
        else:
            stretches[-1] += step
    return stretches


def _least_loads(deliveries: list[Delivery]) -> int:
    return max(Counter(delivery.key for delivery in deliveries).values(), default=0)


def _in_loads(rng: Random, deliveries: list[Delivery], count: int) -> list[list[Delivery]]:
    """Cut into so many loads (some find nothing), two versions of a key never in one."""
    places = [rng.randint(0, len(deliveries)) for _ in range(rng.choice([1, 2, count]))]
    cuts = sorted(rng.choices(places, k=count - 1))
    to_come = Counter(delivery.key for delivery in deliveries)
    earliest: dict[str, int] = defaultdict(int)
    loads: list[list[Delivery]] = [[] for _ in range(count)]
    for place, delivery in enumerate(deliveries):
        key = delivery.key
        to_come[key] -= 1
        number = max(earliest[key], min(bisect(cuts, place), count - 1 - to_come[key]))
        earliest[key] = number + 1
        loads[number].append(delivery)
    return loads


def _topic(key: str) -> str:
    return key.split("/")[1]


def _log(key: str) -> str:
    """Topic and partition of an object, as in its name."""
    return key.split("/")[-1].rpartition("+")[0]


def _partition(key: str) -> int:
    return int(_log(key).rpartition("+")[2])


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


def _redelivered(rng: Random, files: list[_File]) -> list[_File]:
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
    return files


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
    last = _gzipped(rng, lines)
    draw = rng.random()
    if draw < 0.005:  # unreadable for good
        return [_damaged(rng, lines)]
    if draw < 0.015:  # unreadable until it is rewritten
        return [_damaged(rng, lines), last]
    if draw < 0.2 and len(lines) > 1:  # rewritten with more lines, once or twice
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
