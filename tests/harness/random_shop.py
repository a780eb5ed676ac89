"""What happens in a small shop in a few random days: the lines of a random history.

Simulated times lie in 2026-11-01 to 2026-11-05, arrivals up to 2026-11-09. On purpose: ties at
one instant or a microsecond apart, events at midnight, at hour edges and in the last microsecond of
a day, stock at the very instant of a view, days on which little happens, ids that come again on
other days and topics, a producer's retries (equal but for position and `_timestamp`), arrivals at
the borders of too late and too early, catalog rows late, corrected, moved and deactivated, and size
shares at the borders of their rounding.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from tests.harness import dirty_lines
from tests.harness.dirty_lines import Fields, Raw, Write, well
from tests.harness.referee import Settings

START = datetime.fromisoformat("2026-11-01")
MICRO, MILLI = timedelta(microseconds=1), timedelta(milliseconds=1)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
DAYS = [START + number * DAY for number in range(5)]
DayKind = Literal["stock", "both", "others"]
"""What a rare day has; `others` are clicks that open no day."""
PARTITIONS = 1000
"""A shop has a partition and those 1 and 2 times this above it: as texts they sort wrongly."""
SKUS = [
    "A1", "a1", "A10", "10", "9", "B-2", "b_2", "É7", "z", "Ω", "Ａ", "ﬁ", "😀", "𝐀", "K" * 128,
]  # fmt: skip
STYLES = ["Dress", "dress", "shirt", "S 1", "ß"]
LOCATIONS = ["DC-1", "S1", "s1"]
WEIGHTS: list[object] = [1, *map(Raw, (
    "0.25", "0.3", "0.45", "1.0", "1e-1", "2.5E-1", "25e-2", "0.0000005", "5e-7", "0.0000015",
    "0.1234565", "0.1234564999999999999999999999", "0.333333333333333333333333333333",
    "0.000001", "0.9999995", "0.5", "0.2", "0.05",
))]  # fmt: skip
"""Size shares whose weight is at least 1."""
NO_WEIGHTS: list[object] = [
    None, "", *map(Raw, ("0.00000049999999999999999999", "4.9e-7", "1e-300", "0.0000001")),
]  # fmt: skip
USUAL_LEVELS = [0, 0, 0, -2, 1, 1, 2, 5, 1_000_000_000]
HUGE_LEVELS = [0, *[1_000_000_000] * 4]
"""So that three locations together exceed 32 bits."""
AGENTS = [
    None, "", "Mozilla/5.0 (iPhone)", "Mozilla/5.0 (X11)", "Googlebot/2.1", "HeadlessChrome/119",
    "my-SPIDER", "x" * 2100 + " bot sync x11 ", "CrAwLeR", "partner-sync/1.0",
    "Mozilla/5.0 (Linux; CUBOT X9)", "Cubot spider",
]  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A line before it has its offset."""

    topic: str
    partition: int
    arrival: datetime
    fields: Fields
    write: Write = well


@dataclass
class Shop:
    """What the lines of one history are drawn from; `drafts` holds them in no order."""

    rng: Random
    settings: Settings
    days: list[datetime]
    styles: list[str]
    skus: list[str]
    locations: list[str]
    mark: str
    number: int
    is_calm: bool
    shares: list[object]
    levels: list[int]
    instants: list[datetime] = field(default_factory=list)
    ids: set[tuple[str, datetime, str]] = field(default_factory=set)
    breaks_copies: bool = False
    """Whether copies of an event may differ."""
    drafts: list[Draft] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def opened(
        cls,
        rng: Random,
        settings: Settings,
        days: list[datetime],
        mark: str = "",
        number: int = 7,
        is_calm: bool = False,
    ) -> "Shop":
        """A small shop with its lines of some of these days.

        Args:
            mark: All its ids begin with this.
            number: The lowest of its partitions.
            is_calm: Its events arrive at once.
        """
        shop = cls(
            rng,
            settings,
            days=rng.sample(days, rng.randint(1, len(days))),
            styles=[mark + style for style in rng.sample(STYLES, rng.choice([1, 1, 2, 3, 4]))],
            skus=[(mark + sku)[:128] for sku in rng.sample(SKUS, rng.randint(1, 10))],
            locations=[mark + location for location in LOCATIONS],
            mark=mark,
            number=number,
            is_calm=is_calm,
            shares=rng.choice([WEIGHTS, WEIGHTS, [*WEIGHTS, *NO_WEIGHTS]]),
            levels=rng.choice([USUAL_LEVELS, USUAL_LEVELS, HUGE_LEVELS]),
            breaks_copies=rng.random() < 0.3,
        )
        shop.catalog()
        shop.stock_changes(rng.randint(0, rng.choice([4, 20, 60, 60])))
        shop.views(rng.randint(1, rng.choice([8, 40, 80])))
        shop.dirt(rng.choice([0, 0, 3, 12]))
        return shop

    def add_day(self, day: datetime, kind: DayKind) -> None:
        """A few lines of a day without lines in the shop yet."""
        self.days, self.instants = [day], []
        if kind != "others":
            self.stock_changes(self.rng.randint(1, 6))
        if kind != "stock":
            self.views(self.rng.randint(1, 6), only_others=kind == "others")

    def moment(self) -> datetime:
        """A moment of the shop's days; often one that was used before, or an edge."""
        rng, day = self.rng, self.rng.choice(self.days)
        hour = day + rng.randrange(24) * HOUR
        moment = rng.choice(
            [
                day,
                hour,
                hour + HOUR / 2,
                day + DAY - MICRO,
                hour + rng.randrange(3600) * SECOND,
                hour + rng.randrange(3_600_000) * MILLI,
                hour + rng.randrange(3_600_000_000) * MICRO,
            ]
        )
        if self.instants and rng.random() < 0.4:
            moment = rng.choice(self.instants)
        self.instants.append(self.beside(moment))
        return self.instants[-1]

    def beside(self, moment: datetime) -> datetime:
        """The moment or, seldom, one a microsecond from it on the same day."""
        other = moment + self.rng.choice([-1, *[0] * 8, 1]) * MICRO
        return other if midnight(other) == midnight(moment) else moment

    def arrival(self, moment: datetime) -> datetime:
        """When an event arrived: mostly at once, sometimes at a border of what is allowed."""
        rng, last = self.rng, self.too_late(moment)
        draw = rng.random()
        if self.is_calm and 0.6 <= draw < 0.95:
            draw -= 0.5
        if draw < 0.55:
            arrival = moment + rng.randrange(5000) * MILLI
        elif draw < 0.70:
            arrival = moment + rng.randrange(3600) * SECOND
        elif draw < 0.82:
            arrival = moment + rng.randrange(86400) * SECOND
        elif draw < 0.88:
            arrival = moment + rng.randrange(3 * 86400) * SECOND
        elif draw < 0.92:
            arrival = rng.choice([last - MILLI, last - rng.randrange(86400) * SECOND])
        elif draw < 0.95:
            arrival = rng.choice([last, last + rng.randrange(86400) * SECOND])
        else:
            arrival = moment - timedelta(minutes=10) + rng.choice([-1, 0, 0, 1, 1, 500]) * MILLI
        return arrival - timedelta(microseconds=arrival.microsecond % 1000)

    def too_late(self, moment: datetime) -> datetime:
        """The first instant of the first arrival day that is too late."""
        return midnight(moment) + (self.settings.late_days + 1) * DAY

    def written(self, moment: datetime) -> str:
        """A timestamp with as many digits as it needs, or more."""
        text = f"{moment:%Y-%m-%dT%H:%M:%S}"
        digits = f"{moment.microsecond:06d}"
        shortest = len(digits.rstrip("0"))
        length = self.rng.choice([shortest, shortest, 6, self.rng.randint(shortest, 6)])
        return text + (f".{digits[:length]}" if length else "") + "Z"

    def event_id(self, topic: str, moment: datetime, number: int) -> str:
        """An id new to its topic and day; often one that another day or topic also has."""
        rng, day = self.rng, midnight(moment)
        for name in (f"{rng.choice('eeE')}{rng.randrange(8)}", f"{topic[0]}{number}"):
            if (topic, day, name) not in self.ids:
                break
        self.ids.add((topic, day, name))
        return self.mark + name

    def partition(self) -> int:
        return self.number + self.rng.choice([0, 1, 1, 2, 2]) * PARTITIONS

    def add(
        self, topic: str, moment: datetime, fields: Fields, arrival: datetime, retry: float = 0.1
    ) -> None:
        """Draft an event, sometimes badly written, sometimes with copies at other positions."""
        rng = self.rng
        names = list(fields)
        rng.shuffle(names)
        fields = {"event_ts": self.written(moment), **{name: fields[name] for name in names}}
        write: Write = well
        if rng.random() < 0.06:
            write = dirty_lines.write_odd(rng, topic)
        draft = Draft(topic, self.partition(), arrival, fields, write)
        self.drafts.append(draft)
        while rng.random() < retry:  # a producer's retry
            around = max(moment, START)
            again = rng.choice([arrival, arrival + MILLI, self.arrival(around)])
            copy = replace(draft, partition=self.partition(), arrival=again)
            if self.breaks_copies and rng.random() < 0.7:  # and not as it was sent before
                copy = replace(copy, fields=self.altered(fields, moment))
            if rng.random() < 0.4:  # a smaller position that comes too late
                copy = replace(copy, partition=self.number, arrival=self.too_late(around))
            self.drafts.append(copy)

    def altered(self, fields: Fields, moment: datetime) -> Fields:
        """The fields of a copy that breaks the producer's contract."""
        rng = self.rng
        changes: list[Fields] = [
            {"event_ts": self.written(midnight(moment) + rng.randrange(86_400) * SECOND)},
            {"sku_id": rng.choice(self.skus)},
        ]
        if "available_qty" in fields:
            changes.append({"available_qty": rng.choice(self.levels)})
        else:
            changes += [{"channel": "Web"}, {"visitor_id": "v3"}, {"store_id": ""}, {"quantity": 9}]
        return fields | rng.choice(changes)

    def stock_changes(self, count: int) -> None:
        rng = self.rng
        moment, sku = self.moment(), rng.choice(self.skus)
        location = rng.choice(self.locations)
        opening = rng.sample(self.skus, rng.choice([0, len(self.skus)]))
        for number in range(count):
            retry = 0.1
            if opening:  # in half of the histories stock is known early
                moment = min(self.days) + rng.randrange(7200) * SECOND
                sku = opening.pop()
            elif rng.random() < 0.8:
                moment, sku = self.moment(), rng.choice(self.skus)
                location = rng.choice(self.locations)
            else:  # a tie: another level at the same instant and place, and which copy counts
                moment, retry = self.beside(moment), 0.5
            fields: Fields = {
                "event_id": self.event_id("sku_availability", moment, number),
                "sku_id": sku,
                "location_id": location,
                "available_qty": rng.choice(self.levels),
                "reason": rng.choice(["sale", "receipt", None, ""]),
            }
            self.add("sku_availability", moment, fields, self.arrival(moment), retry)

    def views(self, count: int, only_others: bool = False) -> None:
        rng = self.rng
        skus = [*self.skus, self.mark + "no such SKU"]
        styles = [*self.styles, *self.styles, self.mark + "no such style"]
        views = ["product_view"] * 14
        others = ["add_to_bag", "purchase", "purchase", "purchase", "PRODUCT_VIEW"]
        for number in range(count):
            moment, style = self.moment(), rng.choice(styles)
            sku = rng.choice(skus) if rng.random() < 0.45 else None
            if sku in self.homes and rng.random() < 0.7:
                style = self.homes[sku]
            fields: Fields = {
                "event_id": self.event_id("clickstream", moment, number),
                "event_type": rng.choice([*views, *others]),
                "session_id": rng.choice(["s1", "s2", None]),
                "visitor_id": rng.choice(["v1", "v2", ""]),
                "channel": rng.choice(["web", "app", "Web"]),
                "fulfilment": rng.choice(["ship", "pickup", "pickup", "pickup", None, ""]),
                "store_id": rng.choice([*self.locations * 2, self.mark + "?", None, ""]),
                "style_id": style,
                "quantity": rng.choice([None, None, 1, 3, 10_000]),
                "order_id": rng.choice([None, "o1"]),
                "user_agent": rng.choice([*AGENTS, *AGENTS[:4], *AGENTS[:4]]),
            }
            if sku or rng.random() < 0.5:
                fields["sku_id"] = sku or rng.choice([None, ""])
            if fields["event_type"] in others and rng.random() < 0.5:
                fields["style_id"] = rng.choice([None, ""])
            if only_others:
                agent = f"my {self.settings.bot_patterns[-1].upper()}/2"
                bot: Fields = {"event_type": "product_view", "user_agent": agent}
                fields |= rng.choice([bot, {"event_type": rng.choice(others)}])
            self.add("clickstream", moment, fields, self.arrival(moment))

    def catalog(self) -> None:
        """A first row for most SKUs, then corrections, moves, deactivations, late and early."""
        rng = self.rng
        dates = [START - 4000 * DAY, START - DAY, START, rng.choice(DAYS)]
        for sku in self.skus:
            self.homes[sku] = rng.choice(self.styles)
            if rng.random() < 0.85:
                moment = rng.choice([*dates, self.moment()])
                arrival = max(moment, START - rng.choice([0, 12]) * HOUR)
                self.catalog_row(sku, moment, self.homes[sku], arrival + rng.randrange(60) * SECOND)
        for _ in range(rng.choice([0, 1, 3] if self.is_calm else [1, 3, 6])):
            sku, moment = rng.choice(self.skus), rng.choice([*dates, self.moment(), self.moment()])
            style = rng.choice([self.homes[sku], rng.choice(self.styles)])
            around = max(moment, START)
            arrival = around
            if not self.is_calm:
                back = min(around + rng.randrange(6 * 86400) * SECOND, START + 8 * DAY)
                arrival = rng.choice([around, self.arrival(around), back, back])
            self.catalog_row(sku, moment, style, arrival)

    def catalog_row(self, sku: str, moment: datetime, style: str, arrival: datetime) -> None:
        rng = self.rng
        is_active = rng.random() < 0.85
        shares = self.shares if is_active or rng.random() < 0.5 else NO_WEIGHTS
        fields: Fields = {
            "sku_id": sku,
            "style_id": style,
            "brand": rng.choice(["Acme", "acme", None]),
            "department": rng.choice(["Women", "Men", ""]),
            "category": rng.choice(["Tops", "Tops", "Été"]),
            "size": rng.choice(["S", "M", "L"]),
            "price": rng.choice([Raw("19.90"), 20, None, Raw("1.005"), Raw("0.1249"), Raw("3e9")]),
            "currency": rng.choice(["EUR", "USD", None]),
            "size_share": rng.choice(shares),
            "is_active": is_active,
        }
        arrival -= timedelta(microseconds=arrival.microsecond % 1000)
        self.add("product_catalog", moment, fields, arrival)

    def dirt(self, count: int) -> None:
        """Lines that rules 1 and 3 set aside: good ones, under their own id, written badly."""
        for number in range(count):
            draft = self.rng.choice(self.drafts)
            fields = dict(draft.fields)
            if "event_id" in fields:
                fields["event_id"] = f"{self.mark}dirt {number}"
            write = dirty_lines.write_without_position(self.rng)
            if self.rng.random() < 0.5:
                write = dirty_lines.write_broken(self.rng, draft.topic)
            self.drafts.append(replace(draft, fields=fields, write=write))


def midnight(moment: datetime) -> datetime:
    """The first instant of a moment's day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
