"""The page: all figures as plain HTML, and charts where scripts are enabled."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from orchestration.monitoring.limits import in_words
from orchestration.pages.overview.figures import Figures
from orchestration.pages.overview.parts import described
from orchestration.pages.overview.vega_runtime import vega_runtime

FOLDER = Path(__file__).parent
TITLES = {
    "now": "TWIST of the last 60 minutes",
    "hours": "the day, hour by hour",
    "breakdown": "TWIST by channel, department, brand and category",
    "money": "what it cost in the last 24 hours",
    "lost_skus": "lost demand of the last 24 hours",
    "stockouts": "out of stock now",
    "repairs": "mean time to recover, by cause",
    "stock_locations": "where stock is",
    "size_grid": "most visited styles that lack a size",
    "recoveries": "back in stock in the last 24 hours",
    "pickup": "pickup in the last 24 hours, by store",
    "transfers": "wanted in a store, and elsewhere in stock",
    "topics": "the data behind it",
}
KNOWN_ENOUGH = 0.5
"""Below this share of views with known stock the page warns that a rate is unreliable."""
FEW_VIEWS = 30
LETTERS = ("XXXS", "XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL")


def render(figures: Figures, docs: str | None) -> str:
    """The page of these figures; `docs` is the address of the dbt docs from there, if any.

    All data is escaped; the page makes no network requests, which its security policy enforces.
    """
    runtime, script = vega_runtime(), (FOLDER / "page.js").read_text()
    periods = {row["days_before"]: row for row in figures["now"]}
    return _template().render(
        figures
        | {
            "now": periods[0],
            "yesterday": periods[1],
            "last_week": periods[7],
            "colour": figures["freshness"]["clickstream"]["colour"],
            "notes": notes(figures),
            "has_band": any(row["band_days"] for row in figures["hours"]),
            "size_grid": sorted(figures["size_grid"], key=lambda row: size_order(row["size"])),
            "models": described(),
            "titles": TITLES,
            "docs": docs,
            "figures": figures,
            "charts": json.loads((FOLDER / "charts.json").read_text()),
            "style": Markup((FOLDER / "style.css").read_text()),  # noqa: S704  # ours
            "runtime": Markup(runtime),  # noqa: S704  # the package's
            "script": Markup(script),  # noqa: S704  # ours
            "script_hashes": Markup(f"{_digest(runtime)} {_digest(script)}"),  # noqa: S704
        }
    )


def notes(figures: Figures) -> list[tuple[str, str]]:
    """Warnings to read before any figure: (level, sentence), the worst first."""
    now = next(row for row in figures["now"] if row["days_before"] == 0)
    if not now["views"]:
        return [("info", "No product was viewed yet: the first load with a view brings figures.")]
    found = [*_freshness_notes(figures), *_knowledge_notes(now)]
    if not any(row["band_days"] for row in figures["hours"]):
        found.append(("info", "There are no earlier days yet to compare with."))
    return found


def _freshness_notes(figures: Figures) -> Iterator[tuple[str, str]]:
    clicks, stock = (figures["freshness"][topic] for topic in ("clickstream", "sku_availability"))
    if clicks["colour"] == "red":
        old = in_words(clicks["age_seconds"])
        yield "red", f"Not fresh: the newest view is {old} old, and “now” is that moment."
    if failed := sum(check["status"] == "failed" for check in figures["checks"]):
        are = "check is" if failed == 1 else "checks are"
        yield "red", f"{failed} {are} red: see below what failed before you trust a figure."
    if stock["age_seconds"] is None:
        yield "amber", "No stock event has arrived yet: no view can be evaluated."
    elif stock["colour"] == "red" and clicks["colour"] != "red":
        old = in_words(stock["age_seconds"])
        yield "amber", f"The newest stock change is {old} old: views are evaluated with it."


def _knowledge_notes(now: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = now["in_stock_views"] + now["out_of_stock_views"]
    if now["known_rate"] < KNOWN_ENOUGH:
        share = rate(now["known_rate"])
        yield "amber", f"Stock is known for only {share} of these views: their TWIST is unreliable."
    elif known < FEW_VIEWS:
        yield "amber", f"The last 60 minutes have few views with known stock: {amount(known)}."


def size_order(size: str) -> tuple[int, float, str]:
    """Letters by size, then numbers, then everything else by name."""
    if size.upper() in LETTERS:
        return 0, LETTERS.index(size.upper()), size
    number = re.match(r"\d+(\.\d+)?", size)
    return (1, float(number[0]), size) if number else (2, 0, size)


def rate(value: float | None) -> str:
    """0.764040 → 76.4%"""
    return "–" if value is None else f"{value * 100:.1f}%"


def points(value: float) -> str:
    """Difference of two rates in percentage points, with its sign."""
    arrow = "▲" if value >= 0.05 else "▼" if value <= -0.05 else "="
    return f"{arrow} {abs(value):.1f} points"


def count(value: int) -> str:
    """1234 → 1,234"""
    return f"{value:,}"


def amount(value: float) -> str:
    """A number of views, which may be fractional: rounded to integers from 100 on."""
    return f"{value:,.0f}" if value >= 99.95 or value == int(value) else f"{value:,.1f}"


def utc(text: str) -> str:
    """An ISO timestamp to display: 1 Nov 2026, 23:59 UTC"""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def day(text: str) -> str:
    """Its day: Sunday 1 November (UTC)"""
    moment = datetime.fromisoformat(text)
    return f"{moment:%A} {moment.day} {moment:%B} (UTC)"


def day_name(text: str) -> str:
    """A date: Sunday 1 November"""
    found = date.fromisoformat(text)
    return f"{found:%A} {found.day} {found:%B}"


def age(text: str, now: str) -> str:
    """From one ISO timestamp to another: 3 hours"""
    return in_words((datetime.fromisoformat(now) - datetime.fromisoformat(text)).total_seconds())


def money(value: float | None) -> str:
    """An amount of a currency: 1,234; unknown: –"""
    return "–" if value is None else f"{value:,.0f}"


@cache
def _template() -> jinja2.Template:
    jinja = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    for shown in (rate, points, count, amount, money, in_words, age, utc, day, day_name):
        jinja.filters[shown.__name__] = shown
    return jinja.from_string((FOLDER / "template.html").read_text())


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
