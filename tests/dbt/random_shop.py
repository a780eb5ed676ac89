"""What happens in a small shop in a few random days: the lines of a random history.

Simulated times lie around 2026-11-01 to 2026-11-05, arrivals up to 2026-11-09. On purpose: ties at
one instant, events at midnight, at hour edges and in the last microsecond of a day, stock at the
very instant of a view, ids that come again on other days and topics, a producer's retries (equal
but for position and `_timestamp`), arrivals at the borders of too late and too early, catalog rows
late, corrected, moved and deactivated, and size shares at the borders of their rounding.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from tests.dbt import dirty_lines
from tests.dbt.dirty_lines import Fields, Raw, Write, well
from tests.dbt.oracle import Settings

START = datetime(2026, 11, 1)
MILLI, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PARTITIONS = 3
"""The partitions of every topic that a shop has for itself."""
SKUS = ["A1", "a1", "A10", "10", "9", "B-2", "b_2", "É7", "z", "Ω", "😀", "K" * 128]
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
AGENTS = [
    None, "", "Mozilla/5.0 (iPhone)", "Mozilla/5.0 (X11)", "Googlebot/2.1", "HeadlessChrome/119",
    "my-SPIDER", "x" * 2100 + " bot", "CrAwLeR", "partner-sync/1.0",
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
    days: int
    styles: list[str]
    skus: list[str]
    shares: list[object]
    locations: list[str]
    mark: str
    first_partition: int
    instants: list[datetime] = field(default_factory=list)
    ids: set[tuple[str, datetime, str]] = field(default_factory=set)
    drafts: list[Draft] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, rng: Random, settings: Settings, member: int | None = None) -> "Shop":
        """A small shop with its lines of one to four days.

        As a member of a pack all its ids begin with its number, and its partitions are its own.
        """
        mark, first_partition = ("", 0) if member is None else (f"{member}.", member * PARTITIONS)
        styles = [mark + style for style in rng.sample(STYLES, rng.randint(1, 4))]
        skus = [(mark + sku)[:128] for sku in rng.sample(SKUS, rng.randint(1, 8))]
        locations = [mark + location for location in LOCATIONS]
        shares = rng.choice([WEIGHTS, WEIGHTS, [*WEIGHTS, *NO_WEIGHTS]])
        days = rng.randint(1, 4)
        shop = cls(rng, settings, days, styles, skus, shares, locations, mark, first_partition)
        shop.catalog()
        shop.stock_changes(rng.randint(0, rng.choice([4, 20, 60, 60])))
        shop.views(rng.randint(1, rng.choice([6, 25, 80])))
        shop.dirt(rng.choice([0, 0, 3, 12]))
        return shop

    def moment(self) -> datetime:
        """A moment of the simulated days; often one that was used before, or an edge."""
        rng = self.rng
        if self.instants and rng.random() < 0.35:
            return rng.choice(self.instants)
        span = self.days * DAY
        day = rng.randrange(self.days) * DAY
        hour = rng.randrange(24) * HOUR
        edge = timedelta(microseconds=rng.choice([-1, 0, 0, 0, 1]))
        offset = rng.choice(
            [
                day + edge,
                day + hour + edge,
                day + DAY - timedelta(microseconds=1),
                rng.randrange(48 * self.days) * HOUR / 2,
                day + hour + rng.randrange(3600) * SECOND,
                day + hour + timedelta(microseconds=rng.randrange(3_600_000_000)),
                day + hour + rng.randrange(3_600_000) * MILLI,
            ]
        )
        self.instants.append(START + min(max(offset, timedelta()), span - MILLI / 1000))
        return self.instants[-1]

    def arrival(self, moment: datetime) -> datetime:
        """When an event arrived: mostly at once, sometimes at a border of what is allowed."""
        rng, late = self.rng, self.settings.late_days
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        last = midnight + (late + 1) * DAY  # the first instant of the first day too late
        draw = rng.random()
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

    def written(self, moment: datetime) -> str:
        """A timestamp with as many digits as it needs, or more."""
        text = f"{moment:%Y-%m-%dT%H:%M:%S}"
        digits = f"{moment.microsecond:06d}"
        shortest = len(digits.rstrip("0"))
        length = self.rng.choice([shortest, shortest, 6, self.rng.randint(shortest, 6)])
        return text + (f".{digits[:length]}" if length else "") + "Z"

    def event_id(self, topic: str, moment: datetime, number: int) -> str:
        """An id new to its topic and day; often one that another day or topic has, too."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for name in (f"{self.mark}e{self.rng.randrange(8)}", f"{self.mark}{topic[0]}{number}"):
            if (topic, midnight, name) not in self.ids:
                break
        self.ids.add((topic, midnight, name))
        return name

    def partition(self) -> int:
        return self.first_partition + self.rng.randrange(PARTITIONS)

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
            again = rng.choice([arrival, arrival + MILLI, self.arrival(max(moment, START))])
            self.drafts.append(replace(draft, partition=self.partition(), arrival=again))

    def stock_changes(self, count: int) -> None:
        rng = self.rng
        moment, sku, location = self.moment(), rng.choice(self.skus), rng.choice(self.locations)
        opening = rng.sample(self.skus, rng.choice([0, len(self.skus)]))
        for number in range(count):
            retry = 0.1
            if opening:  # in half of the histories stock is known early
                moment, sku = START + rng.randrange(7200) * SECOND, opening.pop()
            elif rng.random() < 0.8:
                moment, sku = self.moment(), rng.choice(self.skus)
                location = rng.choice(self.locations)
            else:  # a tie: another level at the same instant and place, and which copy counts
                retry = 0.5
            fields: Fields = {
                "event_id": self.event_id("sku_availability", moment, number),
                "sku_id": sku,
                "location_id": location,
                "available_qty": rng.choice([0, 0, 0, 0, 1, 1, 2, 5, 1_000_000_000]),
                "reason": rng.choice(["sale", "receipt", None, ""]),
            }
            self.add("sku_availability", moment, fields, self.arrival(moment), retry)

    def views(self, count: int) -> None:
        rng = self.rng
        skus = [*self.skus, self.mark + "no such SKU"]
        styles = [*self.styles, *self.styles, self.mark + "no such style"]
        for number in range(count):
            moment, style = self.moment(), rng.choice(styles)
            sku = rng.choice(skus) if rng.random() < 0.45 else None
            if sku in self.homes and rng.random() < 0.7:
                style = self.homes[sku]
            views, others = ["product_view"] * 14, ["add_to_bag", "purchase", "PRODUCT_VIEW"]
            fields: Fields = {
                "event_id": self.event_id("clickstream", moment, number),
                "event_type": rng.choice([*views, *others]),
                "session_id": rng.choice(["s1", "s2", None]),
                "visitor_id": rng.choice(["v1", "v2", ""]),
                "channel": rng.choice(["web", "app", "Web"]),
                "fulfilment": rng.choice(["ship", "pickup", None, ""]),
                "store_id": rng.choice(["S1", None]),
                "style_id": style,
                "user_agent": rng.choice([*AGENTS, *AGENTS[:4], *AGENTS[:4]]),
            }
            if sku or rng.random() < 0.5:
                fields["sku_id"] = sku or rng.choice([None, ""])
            self.add("clickstream", moment, fields, self.arrival(moment))

    def catalog(self) -> None:
        """A first row for most SKUs, then corrections, moves, deactivations, late and early."""
        rng = self.rng
        dates = [START - 4000 * DAY, START - DAY, START]
        for sku in self.skus:
            self.homes[sku] = rng.choice(self.styles)
            if rng.random() < 0.85:
                moment = rng.choice([*dates, self.moment()])
                arrival = max(moment, START - rng.choice([0, 1]) * DAY)
                self.catalog_row(sku, moment, self.homes[sku], arrival + rng.randrange(60) * SECOND)
        for _ in range(rng.choice([0, 0, 1, 3, 6])):
            sku, moment = rng.choice(self.skus), rng.choice([*dates, self.moment(), self.moment()])
            style = rng.choice([self.homes[sku], rng.choice(self.styles)])
            around = max(moment, START)
            back = rng.randrange(4 * 86400) * SECOND
            arrival = rng.choice([around, around + back, self.arrival(around)])
            self.catalog_row(sku, moment, style, arrival)

    def catalog_row(self, sku: str, moment: datetime, style: str, arrival: datetime) -> None:
        rng = self.rng
        fields: Fields = {
            "sku_id": sku,
            "style_id": style,
            "brand": rng.choice(["Acme", "acme", None]),
            "department": rng.choice(["Women", "Men", ""]),
            "category": rng.choice(["Tops", "Tops", "Été"]),
            "size": rng.choice(["S", "M", "L"]),
            "price": rng.choice([Raw("19.90"), 20, None]),
            "size_share": rng.choice(self.shares),
            "is_active": rng.random() < 0.85,
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
