"""The figures are what plain SQL over the marts says, in the form of their schema."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ingestion.settings import Settings
from ingestion.simulation.simulator import RetailerConfig, write_landing
from orchestration.monitoring import check_results
from orchestration.pages.overview import publish as overview
from orchestration.pages.overview.page import notes, size_order
from orchestration.pages.overview.parts import PARTS, described, schema
from tests.harness.pipeline import Pipeline
from tests.harness.small_shop import ARABIC, EVIL, NOON, STORES
from tests.harness.tables import query
from tests.overview.conftest import Overviews, no_dbt

NEWEST = NOON - timedelta(seconds=30)
MEASURES = ("views", "in_stock_views", "out_of_stock_views", "unknown_views")
SUMS = ", ".join(f"coalesce(sum({measure}), 0)" for measure in MEASURES)
KEYS = {
    "now": ("days_before",),
    "hours": ("view_hour",),
    "breakdown": ("breakdown", "member_name"),
    "money": ("currency",),
    "stockouts": ("sku_id",),
    "repairs": ("cause",),
    "lost_skus": ("sku_id",),
    "stock_locations": ("sku_id", "location_id"),
    "recoveries": ("sku_id",),
    "pickup": ("store_id",),
    "transfers": ("store_id", "sku_id"),
    "size_grid": ("style_id", "size"),
    "topics": ("topic",),
}


@pytest.fixture(scope="module")
def shown(overviews: Overviews) -> dict[str, Any]:
    return overviews.figures("shop")


def ask(overviews: Overviews, sql: str) -> list[tuple[Any, ...]]:
    return query(overviews.settings, sql)


def rate(in_stock: Decimal, out_of_stock: Decimal) -> float | None:
    known = in_stock + out_of_stock
    exact = known and in_stock / known
    return float(exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)) if known else None


def measured(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[measure] for measure in MEASURES)


def plain(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(float(value) if isinstance(value, Decimal) else value for value in values)


@pytest.mark.parametrize("days", [0, 1, 7])
def test_an_hour_is_the_60_minutes_up_to_the_same_instant(
    overviews: Overviews, shown: dict[str, Any], days: int
) -> None:
    until = NEWEST - timedelta(days=days)
    (row,) = [row for row in shown["now"] if row["days_before"] == days]
    (sums,) = ask(
        overviews,
        "select count(*), sum(in_stock_share), sum(out_of_stock_share), sum(unknown_share) "
        f"from fct_twist where view_ts > timestamp '{until - timedelta(hours=1)}' "
        f"and view_ts <= timestamp '{until}'",
    )
    assert measured(row) == plain(sums)
    assert row["until_ts"] == f"{until.isoformat()}Z"
    assert row["twist_rate"] == rate(sums[1], sums[2])
    assert row["known_rate"] == rate(sums[1] + sums[2], sums[3])


def test_now_is_what_twist_now_says(overviews: Overviews, shown: dict[str, Any]) -> None:
    (sums,) = ask(overviews, f"select {', '.join(MEASURES)}, twist_rate from twist_now")
    now = shown["now"][0]
    assert (*measured(now), now["twist_rate"]) == plain(sums)


def test_each_hour_of_the_day_stands_in_the_band_of_the_14_days_before(
    overviews: Overviews, shown: dict[str, Any]
) -> None:
    hourly: dict[datetime, tuple[Any, ...]] = {
        row[0]: row[1:]
        for row in ask(overviews, f"select view_hour, {SUMS} from fct_twist_hourly group by 1")
    }
    today = {hour: sums for hour, sums in hourly.items() if hour.date() == NOON.date()}
    assert {row["view_hour"]: measured(row) for row in shown["hours"]} == {
        f"{hour.isoformat()}Z": plain(sums) for hour, sums in today.items()
    }
    for row in shown["hours"]:
        hour = datetime.fromisoformat(row["view_hour"]).replace(tzinfo=None)
        before = [hourly[hour - timedelta(days=day)] for day in range(1, 9)]
        rates = [rate(sums[1], sums[2]) for sums in before]
        known = [each for each in rates if each is not None]
        assert (row["low_rate"], row["high_rate"]) == (min(known), max(known))
        assert row["band_days"] == len(known)
        total = [sum(column, Decimal()) for column in zip(*before, strict=True)]
        assert row["usual_rate"] == rate(total[1], total[2])


@pytest.mark.parametrize("name", ["channel", "department", "brand", "category"])
def test_a_breakdown_is_the_day_and_the_seven_before(
    overviews: Overviews, shown: dict[str, Any], name: str
) -> None:
    wanted = {
        row[0]: row[1:]
        for row in ask(
            overviews,
            f"select {name}, {SUMS} from twist_daily "
            f"where business_date = date '{NOON:%F}' group by 1",
        )
    }
    week = {
        row[0]: rate(*row[1:])
        for row in ask(
            overviews,
            f"select {name}, sum(in_stock_views), sum(out_of_stock_views) from twist_daily "
            f"where business_date between date '{NOON:%F}' - 7 and date '{NOON:%F}' - 1 group by 1",
        )
    }
    rows = [row for row in shown["breakdown"] if row["breakdown"] == name]
    assert {row["member_name"]: measured(row) for row in rows} == {
        member: plain(sums) for member, sums in wanted.items()
    }
    assert {row["member_name"]: row["week_rate"] for row in rows} == {
        row["member_name"]: week[row["member_name"]] for row in rows
    }
    assert [row["views"] for row in rows] == sorted((r["views"] for r in rows), reverse=True)


def test_lost_demand_says_since_when_and_where_stock_lies(
    overviews: Overviews, shown: dict[str, Any]
) -> None:
    wanted = ask(
        overviews,
        "select sku_id, sum(lost_views) from fct_lost_demand_hourly "
        f"where view_hour >= timestamp '{NOON - timedelta(hours=24)}' "
        "group by 1 having sum(lost_views) > 0 order by 2 desc, 1 limit 15",
    )
    assert [(r["sku_id"], r["lost_views"]) for r in shown["lost_skus"]] == list(map(plain, wanted))
    lost = {row["sku_id"]: row for row in shown["lost_skus"]}
    evil = lost[f"{EVIL}-38"]
    assert (evil["in_stock"], evil["is_since_exact"]) == (0, 1)
    assert evil["since_ts"] == f"{(NOON - timedelta(hours=2.2)).isoformat()}Z"
    assert lost["shirt-S"]["in_stock"] == 1
    assert lost["shirt-S"]["brand"] == ARABIC
    held = {
        (row["sku_id"], row["location_id"]): (row["available_qty"], row["network_qty"])
        for row in shown["stock_locations"]
    }
    assert held == {("shirt-S", "Riga"): (7, 7)}


def test_what_came_back_is_there_again(shown: dict[str, Any]) -> None:
    (row,) = shown["recoveries"]
    assert row["sku_id"] == "shirt-S"
    assert row["back_ts"] == f"{(NOON - timedelta(hours=0.2)).isoformat()}Z"


def test_money_is_the_lost_sales_of_24_hours_currency_by_currency(
    overviews: Overviews, shown: dict[str, Any]
) -> None:
    wanted = ask(
        overviews,
        "select currency, sum(lost_views), sum(lost_units), sum(lost_revenue) "
        f"from lost_sales_hourly where view_hour >= timestamp '{NOON:%F %T}' - interval 24 hour "
        "group by 1 having sum(lost_views) > 0 order by 1",
    )
    names = ("currency", "lost_views", "lost_units", "lost_revenue")
    assert [tuple(row[name] for name in names) for row in shown["money"]] == [
        (row[0], *plain(row[1:])) for row in wanted
    ]
    assert len(wanted) >= 1


def test_open_stockouts_and_the_mean_time_to_recover_are_those_of_the_fact(
    overviews: Overviews, shown: dict[str, Any]
) -> None:
    is_open = "from fct_stockouts where is_current = 1 and out_until is null and lost_views > 0"
    wanted = ask(overviews, f"select sku_id, cause {is_open} order by lost_views desc, out_from")
    found = sorted(shown["stockouts"], key=lambda row: row["place"])
    assert [(row["sku_id"], row["cause"]) for row in found] == wanted[:12]
    assert {row["open_stockouts"] for row in found} == {len(wanted)}
    ended = ask(
        overviews,
        "select cause, count(*), sum(seconds_out) // count(*) from fct_stockouts "
        "where is_current = 1 and out_until is not null group by 1 order by 1",
    )
    assert ended == [
        (row["cause"], row["stockouts"], row["mean_seconds_out"]) for row in shown["repairs"]
    ]


def test_pickup_and_the_transfers_it_asks_for_are_those_of_the_facts(
    overviews: Overviews, shown: dict[str, Any]
) -> None:
    since = f"where view_hour >= timestamp '{NOON}' - interval '24' hour"
    names = ("views", "store_views", "elsewhere_views", "nowhere_views", "unknown_views")
    sums = ", ".join(f"sum({name})" for name in names)
    wanted = ask(overviews, f"select store_id, {sums} from fct_pickup_hourly {since} group by 1")
    assert {(row["store_id"], *(row[name] for name in names)) for row in shown["pickup"]} == {
        plain(row) for row in wanted
    }
    assert {row["store_id"] for row in shown["pickup"]} == set(STORES)
    asked = ask(
        overviews,
        "select store_id, sku_id, sum(wanted_views) as wanted from fct_transfer_demand_hourly "
        f"{since} group by 1, 2 having wanted > 0 order by wanted desc, 1, 2",
    )
    found = sorted(shown["transfers"], key=lambda row: row["place"])
    assert [(row["store_id"], row["sku_id"], row["wanted_views"]) for row in found] == [
        plain(row) for row in asked
    ]
    lies = {(row["sku_id"], row["store_qty"], row["from_id"], row["from_qty"]) for row in found}
    assert ("shirt-M", 0, "Riga", 5) in lies, "it is out in DC since two days"


def test_the_grid_shows_every_active_size_of_a_style_that_lacks_one(shown: dict[str, Any]) -> None:
    grid = {
        row["size"]: (
            row["skus"],
            row["in_stock_skus"],
            row["out_of_stock_skus"],
            row["network_qty"],
        )
        for row in shown["size_grid"]
    }
    assert grid == {"38": (1, 0, 1, 0), "40": (1, 1, 0, 3)}
    assert {row["style_id"] for row in shown["size_grid"]} == {EVIL}


def test_topics_are_the_audit_s(overviews: Overviews, shown: dict[str, Any]) -> None:
    assert [
        (r["topic"], r["lines"], r["loaded"], r["is_balanced"]) for r in shown["topics"]
    ] == ask(
        overviews,
        "select topic, sum(lines)::bigint, sum(loaded)::bigint, "
        "(sum(lines) = sum(loaded + duplicates + late + quarantined))::int "
        "from audit.landed_objects group by 1 order by 1",
    )
    newest = {row["topic"]: row["newest_event_ts"] for row in shown["topics"]}
    assert newest["clickstream"] == f"{NEWEST.isoformat()}Z"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_keeps_its_grain(shown: dict[str, Any], part: str) -> None:
    keys = [tuple(row[key] for key in KEYS[part]) for row in shown[part]]
    assert keys
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", ["shop", "stale", "empty"])
def test_the_json_keeps_to_its_published_schema(overviews: Overviews, name: str) -> None:
    published = json.loads((overviews.root / name / "overview.schema.json").read_text())
    assert published == schema()
    checker = jsonschema.Draft202012Validator(published)
    figures = overviews.figures(name)
    assert list(checker.iter_errors(figures)) == []
    assert list(checker.iter_errors(figures | {"now": [{"twist_rate": "high"}]})) != []


def test_every_part_has_a_definition_of_a_sentence_or_two() -> None:
    for part in PARTS:
        assert 40 < len(described()[part]["description"]) < 260, part


def test_sql_views_are_created_once_and_a_build_that_fails_leaves_the_page(
    overviews: Overviews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = overviews.settings.model_copy(update={"overview": str(tmp_path / "there")})
    now = NOON.replace(tzinfo=UTC)
    page = Path(overview.publish(settings, no_dbt, lambda: now))
    before = page.read_bytes()
    assert {path.name for path in page.parent.iterdir()} == {
        "overview.html", "overview.json", "overview.schema.json",
    }  # fmt: skip

    def fail(*_: Any) -> str:
        raise RuntimeError("half a page")

    monkeypatch.setattr(overview, "render", fail)
    with pytest.raises(RuntimeError, match="half a page"):
        overview.publish(settings, no_dbt, lambda: now + timedelta(days=1))
    assert page.read_bytes() == before


def test_the_newest_result_of_each_check_is_kept_red_first(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path))

    def after(*results: check_results.Check) -> list[tuple[str, str]]:
        check_results.record(settings, results)
        return [(check.name, check.status) for check in check_results.recorded(settings)]

    passed = check_results.Check("dbt", "a", "passed")
    assert after(passed, check_results.Check("dbt", "b", "warned")) == [
        ("b", "warned"), ("a", "passed"),
    ]  # fmt: skip
    assert after(check_results.Check("dbt", "a", "failed")) == [("a", "failed"), ("b", "warned")]


def test_sizes_stand_in_their_order() -> None:
    sizes = ["XL", "40", "S", "ONE", "38", "M", "", "38.5"]
    assert sorted(sizes, key=size_order) == ["S", "M", "XL", "38", "38.5", "40", "", "ONE"]


def test_a_rate_that_rests_on_little_is_called_so(shown: dict[str, Any]) -> None:
    def said(**changes: Any) -> str:
        now = [shown["now"][0] | changes, *shown["now"][1:]]
        return " ".join(sentence for _, sentence in notes(shown | {"now": now}))

    assert "Stock is known for only 12.0% of these views" in said(known_rate=0.12)
    assert "few views with known stock" in said(in_stock_views=2.5, out_of_stock_views=3.0)
    assert "few" not in said(in_stock_views=250.0, known_rate=0.9)
    first_day = shown | {"hours": [row | {"band_days": 0} for row in shown["hours"]]}
    assert "no earlier days yet" in " ".join(sentence for _, sentence in notes(first_day))


@pytest.mark.long
def test_with_30_days_behind_it_a_build_takes_less_than_two_seconds_of_cpu(tmp_path: Path) -> None:
    month = Pipeline(tmp_path / "month")
    begin = datetime(2026, 10, 24, tzinfo=UTC)
    config = RetailerConfig(start=begin, hours=30 * 24, views=300_000, styles=60, locations=40)
    write_landing(config, Path(month.settings.landing))
    month.load()
    seconds = []
    for _ in range(4):
        began = time.process_time()
        overview.publish(month.settings, lambda: month.dbt, lambda: begin + timedelta(days=30))
        seconds.append(time.process_time() - began)
    month.close()
    assert min(seconds) < 2, seconds
