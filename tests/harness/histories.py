"""Random histories: how the lines of a small shop land, with everything that goes wrong.

`history(seed)` is a list of steps for the referee and for the warehouse alike. A load costs about
the same whatever its size, so `packed(seeds)` is many histories in one: members of the same days,
each with ids and partitions of its own; what happens to one must not affect another. `alone`
extracts a member again.

A line is the same bytes wherever it lands again. Files land in any order, also in old folders long
after newer ones were loaded: a loader that lists from the newest folder minus its slack misses none
when the slack is `SLACK_HOURS`.
"""

from bisect import bisect, bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from ingestion.contract.topics import TOPICS
from tests.harness.random_landing import landed
from tests.harness.random_shop import DAY, DAYS, PARTITIONS, START, DayKind, Shop
from tests.harness.referee import Delivery, Settings, Step

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

    In most packs many members are calm: what happens there lands at once and is loaded as it lands.
    The others have lines of the early days only, and land at random in all but the last two
    loads. In the remaining packs all members land at random. This covers what many members would
    hide: a day that opens late, an early day of which a load has a single topic's lines, a load
    without a topic, a member that starts late.

    Args:
        loads: The most loads (at least 5), or one less; at most two replays come on top.
    """
    rng, members = Random(repr(list(seeds))), range(len(seeds))
    settings, count, has_calm = _settings(rng), rng.randint(loads - 1, loads), rng.random() < 0.75
    calendar = _calendar(rng, least=3 if has_calm else 1)
    owners = {day: rng.choice(members) for day in calendar.rare}
    if has_calm:
        calm = {m for m in members if m in owners.values() or rng.random() < 0.6}
        slots = _slots_of_the_calm(rng, members, calm, set(owners.values()), count)
        wild_days, wild_loads = calendar.usual[: len(calendar.usual) // 2], count - 2
    else:
        calm = set()
        slots = _slots_at_will(rng, members, set(owners.values()), count)
        wild_days, wild_loads = calendar.usual, count
    step = len(DAYS) * DAY / (count - 1)
    times = [START + (number + rng.random()) * step for number in range(count - 1)]
    steps: list[list[Delivery]] = [[] for _ in range(count)]
    for member in members:
        own, is_calm = Random(seeds[member]), member in calm
        days = calendar.usual if is_calm else wild_days
        shop = Shop.opened(own, settings, days, f"{member}.", member, is_calm)
        for day, owner in owners.items():
            if owner == member:
                shop.add_day(day, calendar.rare[day])
        objects = landed(shop)
        wanted = [bisect(times, moment) for moment, _ in objects]
        if not is_calm:
            wanted = _cut(own, len(objects), wild_loads)
        for topic in TOPICS:
            part = [(w, d) for w, (_, d) in zip(wanted, objects, strict=True) if _topic(d) == topic]
            _place(steps, slots[member, topic], part)
    return History(tuple(seeds), settings, _with_replays(rng, steps))


def alone(pack: History, member: int) -> History:
    """One member (0 …) of a pack: the same steps without the others' objects."""
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
    """One load of the final content of the lake: the last version of every key.

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


def _calendar(rng: Random, least: int = 1) -> _Calendar:
    """Which days have lines, and which of them only a few."""
    days = rng.sample(DAYS, len(DAYS))
    usual = max(least, rng.choice([1, 2, 2, 3, 4]))
    days[:usual] = sorted(days[:usual])
    kinds: list[DayKind] = ["stock", "stock", "others", "others", "both"]
    rare = dict(zip(days[usual:], rng.sample(kinds, len(kinds)), strict=False))
    return _Calendar(days[:usual], rare)


TIME_ZONES = ["America/New_York", "Pacific/Auckland"]
"""The first one's 1 November 2026 has 25 hours."""


def _settings(rng: Random) -> Settings:
    patterns = rng.choice([Settings.bot_patterns, ("Sync", "spider"), ("CRAWL", "X11")])
    return Settings(
        late_days=rng.choice([3, 3, 0, 1]),
        bot_patterns=patterns,
        min_sellable_qty=rng.choice([1, 2]),
        min_pickup_qty=rng.choice([1, 1, 2, 3]),
        time_zone=rng.choice(["UTC", *TIME_ZONES]),
        conversion_min_units=rng.choice([1, 3, 30]),
    )


Slots = dict[tuple[int, str], Sequence[int]]
"""The loads that a member's objects of a topic may be in."""


def _slots_of_the_calm(
    rng: Random, members: range, calm: set[int], owners: set[int], count: int
) -> Slots:
    """All loads; but some objects of two topics are held back, until one of the last two loads."""
    slots: Slots = {
        (member, topic): range(count if member in calm else count - 2)
        for member in members
        for topic in TOPICS
    }
    last_two = rng.sample([count - 2, count - 1], 2)
    for topic, first in zip(rng.sample(TOPICS, 2), last_two, strict=True):
        for member in {*rng.sample(sorted(calm), len(calm) // 3), *owners}:
            slots[member, topic] = range(first, count)
    return slots


def _slots_at_will(rng: Random, members: range, owners: set[int], count: int) -> Slots:
    """Often not all loads for a topic, and only the later ones for some members."""
    least = rng.choice([VERSIONS, count])
    topics = {
        topic: sorted(rng.sample(range(count), rng.randint(least, count))) for topic in TOPICS
    }
    slots: Slots = {}
    for member in members:
        last = count - 1
        first = rng.choice([0, last, last] if member in owners else [0, 0, 0, 1, 2, last])
        slots |= {(member, topic): [n for n in topics[topic] if n >= first] for topic in TOPICS}
    return slots


def _with_replays(rng: Random, loads: list[list[Delivery]]) -> list[Step]:
    """The loads, often with a replay among them, after them, or both."""
    steps: list[Step] = [*loads]
    if rng.random() < 0.4:
        steps.insert(rng.randint(0, len(steps)), "replay")
    if rng.random() < 0.6:
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
    """In their order, as far as the versions of a key allow, in this many loads."""
    loads: list[list[Delivery]] = [[] for _ in range(count)]
    wanted = _cut(rng, len(deliveries), count)
    _place(loads, range(count), list(zip(wanted, deliveries, strict=True)))
    return loads


def _without_idle(rng: Random, loads: list[list[Delivery]]) -> list[list[Delivery]]:
    """The loads, with hardly any that find nothing."""
    return [load for load in loads if load or rng.random() < 0.1]


def _cut(rng: Random, length: int, count: int) -> list[int]:
    """The load of each of this many deliveries, split at random; some loads find nothing."""
    places = [rng.randint(0, length) for _ in range(rng.choice([1, 2, count]))]
    cuts = sorted(rng.choices(places, k=count - 1))
    return [bisect(cuts, place) for place in range(length)]


def _place(
    loads: list[list[Delivery]], slots: Sequence[int], wanted: list[tuple[int, Delivery]]
) -> None:
    """Put deliveries into their wanted loads, or into the next of the slots.

    Two versions of a key are never in one load. If there are too few slots for that, the last
    loads are used.
    """
    to_come = Counter(delivery.key for _, delivery in wanted)
    least = max(to_come.values(), default=0)
    if len(slots) < least:
        slots = range(len(loads) - least, len(loads))
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
    """Topic and partition, from its name."""
    return delivery.key.split("/")[-1].rpartition("+")[0]


def _partition(delivery: Delivery) -> int:
    return int(_log(delivery).rpartition("+")[2])
