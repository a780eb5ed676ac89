"""The referee, part three: products, conversion, lost sales, stock-outs and business days.

Choices where the contract is silent:

- A product is a pair of style and SKU that a view has, or any catalog row that was loaded; each
  style, also one that only a bag or a purchase names, is one with the SKU `''`.
- `dim_product_history` is compared day by day: how its periods are cut is open.
- `dim_hour` has the hours of the open days.
- A price beyond a billion is none.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.harness.referee_lines import Event, Value, is_human
from tests.harness.referee_settings import Settings

if TYPE_CHECKING:
    from tests.harness.referee_marts import Catalog, Lost, Mart, Stock

WHOLE = 1_000_000
HISTORY = [date(2026, 10, 27) + timedelta(days=number) for number in range(15)]
"""The days on which `dim_product_history` is compared."""
FOREVER = date(9999, 12, 30)


def business_time(moment: datetime, settings: Settings) -> datetime:
    """The wall clock of the business at a moment (UTC)."""
    utc = moment.replace(tzinfo=ZoneInfo("UTC"))
    return utc.astimezone(ZoneInfo(settings.time_zone)).replace(tzinfo=None)


def merchandising(
    clicks: list[Event],
    changes: list[Event],
    catalog: "Catalog",
    stock: "Stock",
    marts: "dict[str, Mart]",
    lost: "list[Lost]",
    open_days: list[date],
    settings: Settings,
) -> "dict[str, Mart]":
    """The tables that follow from the views, the catalog and the stock."""
    conversion = _conversion(clicks, catalog, marts["fct_twist_hourly"], settings)
    pairs = {(str(style), str(sku)) for _, style, sku, _ in marts["fct_twist_hourly"]}
    pairs |= {(row.text("style_id"), row.text("sku_id")) for row in catalog.rows}
    pairs |= {(str(style), "") for _, style, _ in conversion}
    pairs |= {(style, "") for style, _ in pairs}
    hours = [datetime(d.year, d.month, d.day, hour) for d in open_days for hour in range(24)]
    return {
        "fct_conversion_daily": conversion,
        "lost_sales_hourly": _lost_sales(
            marts["fct_lost_demand_hourly"], conversion, catalog, settings
        ),
        "fct_stockouts": _stockouts(stock, changes, lost, settings.min_sellable_qty),
        "dim_hour": {(hour,): _hour(business_time(hour, settings)) for hour in hours},
        "dim_product": {pair: catalog.product(FOREVER, *pair) for pair in pairs},
        "dim_product_history": {
            (*pair, day): catalog.product(day, *pair) for pair in pairs for day in HISTORY
        },
    }


def _hour(wall_clock: datetime) -> dict[str, Value]:
    return {
        "business_date": wall_clock.date(),
        "business_hour": wall_clock.hour,
        "weekday": wall_clock.isoweekday(),
        "is_weekend": int(wall_clock.isoweekday() >= 6),
    }


def _conversion(
    clicks: list[Event], catalog: "Catalog", hourly: "Mart", settings: Settings
) -> "Mart":
    found: dict[tuple[Value, ...], dict[str, Any]] = defaultdict(
        lambda: {"views": 0, "in_stock_views": Decimal(0), "bags": 0, "purchases": 0, "units": 0}
    )
    for (hour, style, _, channel), measures in hourly.items():
        assert isinstance(hour, datetime)
        for name in ("views", "in_stock_views"):
            found[hour.date(), style, channel][name] += measures[name]
    for click in clicks:
        kind = {"add_to_bag": "bags", "purchase": "purchases"}.get(click.text("event_type"))
        if not kind or not is_human(click, settings):
            continue
        known = catalog.on(click.day).get(click.text("sku_id"))
        style = click.text("style_id") or (known.text("style_id") if known else "")
        row = found[click.day, style, click.fields["channel"]]
        row[kind] += 1
        if kind == "purchases":
            pieces = click.fields["quantity"]
            row["units"] += 1 if pieces is None else pieces
    return dict(found)


def _lost_sales(
    demand: "Mart", conversion: "Mart", catalog: "Catalog", settings: Settings
) -> "Mart":
    table: dict[tuple[Value, ...], dict[str, Value]] = {}
    for key, row in demand.items():
        hour, style, sku = key
        assert isinstance(hour, datetime)
        day, views = hour.date(), Fraction(row["lost_views"])  # type: ignore[arg-type]
        level, units, seen = _usual(day, str(style), conversion, catalog, settings)
        product = catalog.product(day, str(style), str(sku))
        lost_units = _rounded(views * min(units, seen) / seen, 6) if level else None
        price = product["price"]
        revenue = None
        if lost_units is not None and isinstance(price, Decimal):
            revenue = _rounded(Fraction(lost_units) * Fraction(price), 4)
        table[key] = {
            "lost_views": row["lost_views"],
            "conversion_level": level,
            "lost_units": lost_units,
            "price": price,
            "currency": product["currency"],
            "lost_revenue": revenue,
        }
    return table


def _usual(
    day: date, style: str, conversion: "Mart", catalog: "Catalog", settings: Settings
) -> tuple[str | None, Fraction, Fraction]:
    """The level whose conversion is used, its units and its in-stock views of 28 days."""

    def member(of_style: str, level: str) -> Value:
        if level in ("category", "department"):
            return catalog.product(day, of_style, "")[level]
        return of_style if level == "style" else "all"

    for level in ("style", "category", "department", "shop"):
        wanted = member(style, level)
        if not wanted:
            continue
        units = seen = Fraction(0)
        for (sold, other, _), row in conversion.items():
            assert isinstance(sold, date)
            if not 1 <= (day - sold).days <= 28 or member(str(other), level) != wanted:
                continue
            units += Fraction(row["units"])  # type: ignore[arg-type]
            seen += Fraction(row["in_stock_views"])  # type: ignore[arg-type]
        if units >= settings.conversion_min_units and seen > 0:
            return level, units, seen
    return None, Fraction(0), Fraction(1)


def _rounded(value: Fraction, places: int) -> Decimal:
    """Half up."""
    return Decimal(floor(value * 10**places + Fraction(1, 2))).scaleb(-places)


def _stockouts(stock: "Stock", changes: list[Event], lost: "list[Lost]", least: int) -> "Mart":
    table: dict[tuple[Value, ...], dict[str, Value]] = {}
    for sku, places in stock.levels.items():
        own = [change for change in changes if change.text("sku_id") == sku]
        instants = sorted({since for levels in places.values() for since, _ in levels})
        current: dict[str, Value] | None = None
        before: int | None = None
        for instant in instants:
            quantity = stock.network(sku, instant)
            assert quantity is not None
            winner = max((c for c in own if c.event_ts == instant), key=lambda c: c.position)
            reason = winner.text("reason")
            if quantity < least and current is None:
                current = {
                    "out_until": None,
                    "cause": "first_known" if before is None else reason,
                    "returned_by": "",
                    "qty_before": before,
                    "seconds_out": None,
                    "lost_views": Decimal(0),
                    "is_current": 1,
                }
                table[sku, instant] = current
            elif quantity >= least and current is not None:
                began = max(start for name, start in table if name == sku)  # type: ignore[type-var]
                assert isinstance(began, datetime)
                current["out_until"] = instant
                current["returned_by"] = reason
                current["seconds_out"] = (instant - began) // timedelta(seconds=1)
                current = None
            before = quantity
        for part in (part for part in lost if part.sku == sku):
            (row,) = (
                row
                for (name, start), row in table.items()
                if name == sku
                and start <= part.at  # type: ignore[operator]
                and (row["out_until"] is None or part.at < row["out_until"])  # type: ignore[operator]
            )
            row["lost_views"] += Decimal(part.ppm).scaleb(-6)  # type: ignore[operator]
    return table
