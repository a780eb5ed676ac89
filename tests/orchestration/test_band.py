"""The alert when TWIST itself falls: told from a usual hour on a real warehouse, both ways."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.monitoring.band import fallen, judge_band
from tests.harness.minute_lines import Line, landed, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import free

NOON = datetime(2026, 11, 20, 12)
BRANDS = {"A": "Ant", "B": "Bee"}


def hour(days: int, out: str = "", views: int = 60) -> list[Line]:
    """The hour from noon of a day before: views of both brands, one of them out of stock."""
    at = NOON - timedelta(days=days)
    lines = [stock(at, name, 0 if name == out else 5) for name in BRANDS]
    seen = [at + timedelta(seconds=1 + 10 * number) for number in range(views)]
    channels = {"A": "web", "B": "app"}
    lines += [view(when, name, channel=channels[name]) for when in seen for name in BRANDS]
    return lines


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Four noons: on the first the brand Ant was out; the newest hour of all begins at one."""
    made = Pipeline(Path(tmp_path_factory.mktemp("band")) / "shop")
    brands = [sku(NOON - timedelta(days=9), name, brand=BRANDS[name]) for name in BRANDS]
    past = [line for days in (4, 3, 2) for line in hour(days, out="A" if days == 4 else "")]
    made.deliver(landed(NOON, *brands, *past, view(NOON + timedelta(hours=1))))
    made.load()
    yield made
    made.close()


def test_a_brand_and_its_channel_below_every_day_before_are_named_and_recover(
    shop: Pipeline,
) -> None:
    assert judge_band(fallen(shop.settings)).colour == "green"
    shop.deliver(landed(NOON + timedelta(minutes=1), *hour(0, out="B")))
    shop.load()
    rows = fallen(shop.settings)
    assert [(row["breakdown"], row["member_name"]) for row in rows] == [
        ("brand", "Bee"), ("channel", "app"),
    ]  # fmt: skip
    assert (rows[0]["twist_rate"], rows[0]["low_rate"], rows[0]["band_days"]) == (0, 1, 3)
    assert rows[0]["known_views"] == Decimal(60)
    verdict = judge_band(rows)
    assert verdict.colour == "red"
    assert verdict.sentence.startswith(
        "TWIST fell in the hour from 12:00 UTC: brand Bee at 0.0% of 60 views (the 3 days before:"
    )
    late = stock(NOON + timedelta(microseconds=1), "B", 5, arrived=NOON + timedelta(hours=2))
    shop.deliver(landed(NOON + timedelta(hours=2), late))
    shop.load()
    assert judge_band(fallen(shop.settings)).colour == "green", "a late change put it right"
    free(shop)


def test_a_fall_on_few_views_and_one_that_was_seen_before_alert_nobody(shop: Pipeline) -> None:
    few = hour(-1, out="B", views=49)
    shop.deliver(landed(NOON + timedelta(days=1), *few, view(NOON + timedelta(days=1, hours=1))))
    shop.load()
    assert fallen(shop.settings) == []
    usual = hour(-2, out="A")  # as on the first day
    shop.deliver(landed(NOON + timedelta(days=2), *usual, view(NOON + timedelta(days=2, hours=1))))
    shop.load()
    assert fallen(shop.settings) == []
