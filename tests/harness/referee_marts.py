"""The referee, part two: every table of the contract from the accepted events, by plain loops.

A table is a dict from its key (the columns of `KEYS`, in that order) to its other columns.
Decimals are exact. Choices where the contract is silent:

- `twist_rate` is the exact fraction; comparisons round it to the engine's scale.
- "Known to the catalog" means on the view's day, by the rows that count by then; the SKUs of
  a style are those whose row of that day names it. A known SKU without a brand counts under `''`,
  not under another SKU's brand.
- `price` and `size_share` in `dim_sku` are the numbers as written, with all their digits.
- An hour of lost demand, or of demand for a transfer, whose share rounds to 0.000000 has no row.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

from tests.harness.referee_lines import Event, Value, is_human
from tests.harness.referee_sales import business_time, merchandising
from tests.harness.referee_settings import Settings

WHOLE = 1_000_000
"""One view, in parts per million."""

Mart = dict[tuple[Value, ...], dict[str, Value]]

KEYS = {
    "fct_twist": ("view_date", "view_id"),
    "fct_twist_hourly": ("view_hour", "style_id", "sku_id", "channel"),
    "fct_lost_demand_hourly": ("view_hour", "style_id", "sku_id"),
    "fct_pickup_hourly": ("view_hour", "store_id", "style_id", "sku_id"),
    "fct_transfer_demand_hourly": ("view_hour", "store_id", "style_id", "sku_id"),
    "twist_daily": ("business_date", "brand", "department", "category", "channel"),
    "fct_conversion_daily": ("view_date", "style_id", "channel"),
    "lost_sales_hourly": ("view_hour", "style_id", "sku_id"),
    "fct_stockouts": ("sku_id", "out_from"),
    "dim_hour": ("view_hour",),
    "dim_product": ("style_id", "sku_id"),
    "dim_product_history": ("style_id", "sku_id", "day"),
    "stock_daily": ("stock_date", "sku_id", "location_id"),
    "dim_sku": ("sku_id",),
    "dim_location": ("location_id",),
}


PICKUP = ("store_views", "elsewhere_views", "nowhere_views", "unknown_views")


def parts(ppm: int) -> Decimal:
    """Parts per million as a decimal with six places."""
    return Decimal(ppm).scaleb(-6)


class Stock:
    """The levels of every SKU at every location, in the order in which they took effect."""

    def __init__(self, changes: list[Event]) -> None:
        self.levels: dict[str, dict[str, list[tuple[datetime, int]]]] = {}
        for change in sorted(changes, key=lambda e: (e.event_ts, e.position)):
            quantity = change.fields["available_qty"]
            assert isinstance(quantity, int)
            places = self.levels.setdefault(change.text("sku_id"), {})
            places.setdefault(change.text("location_id"), []).append(
                (change.event_ts, max(0, quantity))
            )

    def at(self, sku: str, moment: datetime) -> dict[str, int]:
        """The level at each location that has one; a change at the moment itself counts."""
        found = {}
        for location, levels in self.levels.get(sku, {}).items():
            for since, quantity in levels:
                if since <= moment:
                    found[location] = quantity
        return found

    def network(self, sku: str, moment: datetime) -> int | None:
        """The sum over all locations; None when the SKU is unknown."""
        found = self.at(sku, moment)
        return sum(found.values()) if found else None


class Catalog:
    """The catalog rows, and which of them is valid on a day."""

    def __init__(self, rows: list[Event], late_days: int) -> None:
        self.rows = rows
        self.late_days = late_days
        self.days: dict[date, dict[str, Event]] = {}
        self.first_skus: dict[date, dict[str, str]] = {}

    def counts_from(self, row: Event) -> date:
        return max(row.day, row.arrival.date() - timedelta(days=self.late_days))

    def on(self, day: date) -> dict[str, Event]:
        """The row of each SKU known on a day."""
        if day not in self.days:
            rows = [row for row in self.rows if self.counts_from(row) <= day]
            self.days[day] = newest(rows)
        return self.days[day]

    def shares(self, day: date, style: str) -> dict[str, int]:
        """The size curve of a style on a day: active SKU to parts per million."""
        rows = self.on(day)
        active = [s for s, r in rows.items() if r.text("style_id") == style]
        active = sorted(s for s in active if rows[s].fields["is_active"])
        weights = [weight(rows[sku].fields["size_share"]) for sku in active]
        if any(each < 1 for each in weights):
            weights = [1] * len(weights)
        shares: dict[str, int] = {}
        running = before = 0
        for sku, each in zip(active, weights, strict=True):
            running += each
            upto = WHOLE * running // sum(weights)
            shares[sku] = upto - before
            before = upto
        return shares

    def product(self, day: date, style: str, sku: str) -> dict[str, Value]:
        """What describes a SKU (`''`: none) viewed in a style on a day: its own row if it is known,
        else brand, department and category of the style's smallest known SKU.
        """
        rows = self.on(day)
        if day not in self.first_skus:
            self.first_skus[day] = {
                rows[each].text("style_id"): each for each in sorted(rows, reverse=True)
            }
        own = rows.get(sku)
        row = own or rows.get(self.first_skus[day].get(style, ""))
        return {
            **{name: row.text(name) if row else "" for name in ("brand", "department", "category")},
            **{name: own.text(name) if own else "" for name in ("color", "size", "currency")},
            "price": price(own.fields["price"]) if own else None,
            "is_active": int(bool(own.fields["is_active"])) if own else None,
            "size_share": own.fields["size_share"] if own else None,
        }


def newest(rows: list[Event]) -> dict[str, Event]:
    """The row with the highest (event_ts, partition, offset) of each SKU."""
    found: dict[str, Event] = {}
    for row in sorted(rows, key=lambda r: (r.event_ts, r.position)):
        found[row.text("sku_id")] = row
    return found


def weight(size_share: Value) -> int:
    """`size_share` times a million, rounded half up; 0 when it is absent."""
    if size_share is None:
        return 0
    assert isinstance(size_share, Decimal)
    if size_share.adjusted() < -7:  # below 0.0000001: spares the digits of 1e-1000000
        return 0
    return floor(Fraction(size_share) * WHOLE + Fraction(1, 2))


def price(number: Value) -> Decimal | None:
    """Two decimals, half rounded up."""
    if not isinstance(number, Decimal) or abs(number) > 1_000_000_000:
        return None
    return Decimal(floor(Fraction(number) * 100 + Fraction(1, 2))).scaleb(-2)


@dataclass
class Measures:
    """Views and their three parts, in parts per million."""

    views: int = 0
    in_stock: int = 0
    out_of_stock: int = 0
    unknown: int = 0

    def add(self, in_stock: int, out_of_stock: int, unknown: int) -> None:
        assert in_stock + out_of_stock + unknown == WHOLE
        self.views += 1
        self.in_stock += in_stock
        self.out_of_stock += out_of_stock
        self.unknown += unknown

    def columns(self) -> dict[str, Value]:
        return {
            "views": self.views,
            "in_stock_views": parts(self.in_stock),
            "out_of_stock_views": parts(self.out_of_stock),
            "unknown_views": parts(self.unknown),
        }

    def rate(self) -> Fraction | None:
        known = self.in_stock + self.out_of_stock
        return Fraction(self.in_stock, known) if known else None


@dataclass(frozen=True)
class Lost:
    """A SKU's part of a view that met it out of stock."""

    at: datetime
    style: str
    sku: str
    ppm: int

    @property
    def hour(self) -> datetime:
        return self.at.replace(minute=0, second=0, microsecond=0)


def build(
    clicks: list[Event], changes: list[Event], rows: list[Event], settings: Settings
) -> dict[str, Mart]:
    """Every table. Each event occurs once, with its own position."""
    views = [
        click
        for click in clicks
        if click.fields["event_type"] == "product_view" and is_human(click, settings)
    ]
    stock, catalog = Stock(changes), Catalog(rows, settings.late_days)
    marts, lost = _facts(views, stock, catalog, settings)
    marts |= _pickup(views, marts["fct_twist"], stock, catalog, settings)
    open_days = sorted({event.day for event in views + changes})
    marts["stock_daily"] = _stock_daily(open_days, stock)
    marts["dim_sku"] = {
        (sku,): {name: value for name, value in row.fields.items() if name != "sku_id"}
        for sku, row in newest(rows).items()
    }
    marts["dim_location"] = {(change.text("location_id"),): {} for change in changes}
    return marts | merchandising(clicks, changes, catalog, stock, marts, lost, open_days, settings)


def _facts(
    views: list[Event], stock: Stock, catalog: Catalog, settings: Settings
) -> tuple[dict[str, Mart], list[Lost]]:
    fact: Mart = {}
    hourly: dict[tuple[Value, ...], Measures] = defaultdict(Measures)
    daily: dict[tuple[Value, ...], Measures] = defaultdict(Measures)
    lost: list[Lost] = []
    for view in views:
        style, sku = view.text("style_id"), view.text("sku_id") or None
        hour = view.event_ts.replace(minute=0, second=0, microsecond=0)
        shares = catalog.shares(view.day, style) if sku is None else {sku: WHOLE}
        inside = outside = 0
        for each, share in shares.items():
            quantity = stock.network(each, view.event_ts)
            if quantity is not None and quantity >= settings.min_sellable_qty:
                inside += share
            elif quantity is not None:
                outside += share
                lost.append(Lost(view.event_ts, style, each, share))
        unknown = WHOLE - inside - outside
        channel = view.fields["channel"]
        hourly[hour, style, sku or "", channel].add(inside, outside, unknown)
        product = catalog.product(view.day, style, sku or "")
        attributes = (product[name] for name in ("brand", "department", "category"))
        daily[business_time(hour, settings).date(), *attributes, channel].add(
            inside, outside, unknown
        )
        fact[view.day, view.fields["event_id"]] = {
            "view_ts": view.event_ts,
            "view_hour": hour,
            "style_id": style,
            "sku_id": sku,
            "channel": channel,
            "fulfilment": view.text("fulfilment") or "ship",
            "store_id": view.fields["store_id"],
            "session_id": view.fields["session_id"],
            "visitor_id": view.fields["visitor_id"],
            "in_stock_share": parts(inside),
            "out_of_stock_share": parts(outside),
            "unknown_share": parts(unknown),
            "network_qty": None if sku is None else stock.network(sku, view.event_ts),
        }
    by_hour: dict[tuple[Value, ...], int] = defaultdict(int)
    for part in lost:
        by_hour[part.hour, part.style, part.sku] += part.ppm
    marts: dict[str, Mart] = {
        "fct_twist": fact,
        "fct_twist_hourly": {key: m.columns() for key, m in hourly.items()},
        "fct_lost_demand_hourly": {
            key: {"lost_views": parts(ppm)} for key, ppm in by_hour.items() if ppm
        },
        "twist_daily": {key: {**m.columns(), "twist_rate": m.rate()} for key, m in daily.items()},
    }
    return marts, lost


def _pickup(
    views: list[Event], fact: Mart, stock: Stock, catalog: Catalog, settings: Settings
) -> dict[str, Mart]:
    """Adds `store_share` to each view; what its store held of the pickup views that name one."""
    hourly: dict[tuple[Value, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wanted: dict[tuple[Value, ...], int] = defaultdict(int)
    for view in views:
        row = fact[view.day, view.fields["event_id"]]
        row["store_share"] = None
        store, style, sku = (view.text(name) for name in ("store_id", "style_id", "sku_id"))
        if row["fulfilment"] != "pickup" or not store:
            continue
        here = 0
        shares = {sku: WHOLE} if sku else catalog.shares(view.day, style)
        for each, share in shares.items():
            levels = stock.at(each, view.event_ts)
            if sum(levels.values()) < settings.min_sellable_qty:
                continue
            if levels.get(store, 0) >= settings.min_pickup_qty:
                here += share
            else:
                wanted[row["view_hour"], store, style, each] += share
        row["store_share"] = parts(here)
        inside, outside, unknown = (
            int(Decimal(str(row[f"{name}_share"])).scaleb(6))
            for name in ("in_stock", "out_of_stock", "unknown")
        )
        measures = hourly[row["view_hour"], store, style, sku]
        measures["views"] += 1
        for name, ppm in zip(PICKUP, (here, inside - here, outside, unknown), strict=True):
            measures[name] += ppm
    return {
        "fct_pickup_hourly": {
            key: {"views": ppm["views"], **{name: parts(ppm[name]) for name in PICKUP}}
            for key, ppm in hourly.items()
        },
        "fct_transfer_demand_hourly": {
            key: {"wanted_views": parts(ppm)} for key, ppm in wanted.items() if ppm
        },
    }


def _stock_daily(open_days: list[date], stock: Stock) -> Mart:
    """The levels before the first instant of every open day except the first."""
    table: Mart = {}
    for day in open_days[1:]:
        last_instant = datetime(day.year, day.month, day.day) - timedelta(microseconds=1)
        for sku in stock.levels:
            levels = stock.at(sku, last_instant)
            if not levels:
                continue
            above = {location: quantity for location, quantity in levels.items() if quantity > 0}
            for location, quantity in (above or {"": 0}).items():
                table[day, sku, location] = {"available_qty": quantity}
    return table
