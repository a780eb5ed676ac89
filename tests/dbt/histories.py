"""Random histories: how the lines of a small shop land, with everything that goes wrong.

`history(seed)` is a list of steps for the referee and for the warehouse alike. A load costs about
the same whatever its size, so `packed(seeds)` is many histories in one: members of the same days,
each with ids and partitions of its own; what happens to one must not touch another. `alone` takes
a member out again.

A line is the same bytes wherever it lands again. Files land in any order, also in old folders long
after newer ones were loaded: a loader that lists from the newest folder less its slack misses none
when the slack is `SLACK_HOURS`.
"""

from bisect import bisect, bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from ingestion.landing import TOPICS
from tests.dbt.oracle import Delivery, Settings, Step
from tests.dbt.random_landing import landed
from tests.dbt.random_shop import DAY, DAYS, PARTITIONS, START, DayKind, Shop

SLACK_HOURS = 240
VERSIONS = 3
"""The most versions that a key has, so the fewest loads that hold them all."""


@dataclass(frozen=True)
class History:
    """Loads and replays in their order, for a warehouse with these settings."""

    seeds: tuple[int, ...]
    settings: Settings
    steps: list[Step]


def history(seed: int) -> History:
    """The history of a seed; always the same one, of at most ten loads."""
    rng = Random(seed)
    settings, calendar = _settings(rng), _calendar(rng)
    shop = Shop.opened(rng, settings, calendar.usual)
    for day, kind in calendar.rare.items():
        shop.add_day(day, kind)
    deliveries = [delivery for _, delivery in landed(shop)]
    count = rng.choice([_least_loads(deliveries), VERSIONS, 4, 7, 10])
    loads = _without_idle(rng, _in_loads(rng, deliveries, count))
    steps = _with_replays(rng, loads)
    return History((seed,), settings, steps)


def packed(seeds: Sequence[int], loads: int = 6) -> History:
    """A history for every seed, in one lake and warehouse, with settings drawn once.

    In half of the packs everything lands in time (but for a few members) and is loaded as it lands;
    in the others the members land as they like. What many members hide is made to happen: a day of
    which only one member has lines and which may open late, loads without a topic, members that
    come late.

    Args:
        loads: The most loads (at least 4), or one less; at most two replays come on top.
    """
    rng = Random(repr(list(seeds)))
    settings, calendar, count = _settings(rng), _calendar(rng), rng.randint(loads - 1, loads)
    owners = {day: rng.randrange(len(seeds)) for day in calendar.rare}
    lands_in_time = rng.random() < 0.5
    times = sorted(START + rng.random() * 5 * DAY for _ in range(count - 1))
    least = rng.choice([VERSIONS, count])
    slots = {topic: sorted(rng.sample(range(count), rng.randint(least, count))) for topic in TOPICS}
    steps: list[list[Delivery]] = [[] for _ in range(count)]
    for member, seed in enumerate(seeds):
        own, days = Random(seed), [day for day in owners if owners[day] == member]
        is_calm = lands_in_time and not days and own.random() < 0.85
        shop = Shop.opened(own, settings, calendar.usual, f"{member}.", member, is_calm)
        for day in days:
            shop.add_day(day, calendar.rare[day])
        objects = landed(shop)
        wanted = _cut(own, len(objects), count)
        if lands_in_time:
            wanted = [bisect(times, moment) for moment, _ in objects]
        skipped = own.choice([0, count, count] if days else [0, 0, 0, 1, 2, count])
        for topic in TOPICS:
            first = min(skipped, len(slots[topic]) - VERSIONS)
            part = [(w, d) for w, (_, d) in zip(wanted, objects, strict=True) if _topic(d) == topic]
            _place(steps, slots[topic][first:], part)
    return History(tuple(seeds), settings, _with_replays(rng, steps))


def alone(pack: History, member: int) -> History:
    """What of a pack is its member's (0 …): the same steps without the others' objects."""
    steps: list[Step] = [
        step if step == "replay" else [d for d in step if _partition(d) % PARTITIONS == member]
        for step in pack.steps
    ]
    return History((pack.seeds[member],), pack.settings, steps)


def split(history: History, rng: Random, loads: int = 8) -> History:
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
    cut_together: Callable[[Delivery], str] = rng.choice([lambda _: "", _topic, _log])
    steps: list[Step] = []
    for stretch, count in zip(stretches, counts, strict=True):
        parts: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in stretch:
            parts[cut_together(delivery)].append(delivery)
        cut = [_in_loads(rng, part, count) for part in parts.values()]
        whole = [[d for each in cut for d in each[number]] for number in range(count)]
        steps += [*_without_idle(rng, whole), "replay"]
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


@dataclass(frozen=True)
class _Calendar:
    usual: list[datetime]
    rare: dict[datetime, DayKind]


def _calendar(rng: Random) -> _Calendar:
    """Which days have lines, and which of them only a few."""
    days = rng.sample(DAYS, len(DAYS))
    usual = rng.choice([1, 2, 2, 3, 4])
    kinds: list[DayKind] = ["stock", "stock", "both", "others", "others", "views", "none", "none"]
    rare = dict(zip(days[usual:], rng.sample(kinds, len(kinds)), strict=False))
    return _Calendar(days[:usual], rare)


def _settings(rng: Random) -> Settings:
    patterns = rng.choice([Settings.bot_patterns, ("Sync", "spider"), ("CRAWL", "X11")])
    return Settings(rng.choice([3, 3, 0, 1]), patterns, rng.choice([1, 2]))


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
    """In their order, as far as the versions of a key allow, in so many loads."""
    loads: list[list[Delivery]] = [[] for _ in range(count)]
    wanted = _cut(rng, len(deliveries), count)
    _place(loads, range(count), list(zip(wanted, deliveries, strict=True)))
    return loads


def _without_idle(rng: Random, loads: list[list[Delivery]]) -> list[list[Delivery]]:
    """The loads, but hardly any that find nothing."""
    return [load for load in loads if load or rng.random() < 0.1]


def _cut(rng: Random, length: int, count: int) -> list[int]:
    """The load of each of so many deliveries, cut at random; some loads find nothing."""
    places = [rng.randint(0, length) for _ in range(rng.choice([1, 2, count]))]
    cuts = sorted(rng.choices(places, k=count - 1))
    return [bisect(cuts, place) for place in range(length)]


def _place(
    loads: list[list[Delivery]], slots: Sequence[int], wanted: list[tuple[int, Delivery]]
) -> None:
    """Put deliveries into the loads that they want, or into the next of the slots.

    Two versions of a key are never in one load; the slots must be as many as a key has versions.
    """
    to_come = Counter(delivery.key for _, delivery in wanted)
    earliest: dict[str, int] = defaultdict(int)
    for load, delivery in wanted:
        key = delivery.key
        to_come[key] -= 1
        slot = max(earliest[key], min(bisect_left(slots, load), len(slots) - 1 - to_come[key]))
        earliest[key] = slot + 1
        loads[slots[slot]].append(delivery)


def _topic(delivery: Delivery) -> str:
    return delivery.key.split("/")[1]


def _log(delivery: Delivery) -> str:
    """Topic and partition, as its name has them."""
    return delivery.key.split("/")[-1].rpartition("+")[0]


def _partition(delivery: Delivery) -> int:
    return int(_log(delivery).rpartition("+")[2])
