"""The page as a reader meets it: in a browser, at any width, with and without scripts."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from orchestration.monitoring.limits import in_words
from orchestration.pages.overview.page import amount, count, money, rate, render, utc
from orchestration.pages.overview.publish import PAGE
from tests.harness.small_shop import ARABIC, EVIL, LONG, STORES
from tests.overview.conftest import Open, Overviews


def rows(page: Any, label: str) -> list[list[str]]:
    """The cells of the table in a labelled region, as they are read."""
    found = page.locator(f"[aria-label='{label}'] tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return [[re.sub(r"\s+", " ", cell) for cell in row] for row in found]


def test_without_scripts_every_figure_is_the_json_s(show: Open, overviews: Overviews) -> None:
    page, figures = show(scripts=False), overviews.figures("shop")
    key = [row["twist_rate"] for row in figures["now"]] + [figures["now"][0]["known_rate"]]
    lost = sorted(figures["money"], key=lambda row: -row["lost_views"])
    assert page.locator(".figure").all_inner_texts() == [
        *map(rate, key), *(money(row["lost_revenue"]) for row in lost),
    ]  # fmt: skip
    assert rows(page, "TWIST by hour") == [
        [
            utc(row["view_hour"]), rate(row["twist_rate"]), count(row["views"]),
            amount(row["out_of_stock_views"]), amount(row["unknown_views"]),
            rate(row["usual_rate"]), rate(row["low_rate"]), rate(row["high_rate"]),
            str(row["band_days"]),
        ]
        for row in figures["hours"]
    ]  # fmt: skip
    for name in ("channel", "department", "brand", "category"):
        assert rows(page, f"TWIST by {name}") == [
            [
                " ".join((row["member_name"] or "not in the catalog").split()),
                rate(row["twist_rate"]), rate(row["week_rate"]), count(row["views"]),
                rate(row["known_rate"]),
            ]
            for row in figures["breakdown"] if row["breakdown"] == name
        ]  # fmt: skip
    most = rows(page, "The SKUs that lost most views")
    assert [cells[1] for cells in most] == [amount(r["lost_views"]) for r in figures["lost_skus"]]
    out = rows(page, "Open stock-outs")
    assert [cells[1] for cells in out] == [amount(r["lost_views"]) for r in figures["stockouts"]]
    ended = rows(page, "Mean time to recover by cause")
    assert sorted(cells[2] for cells in ended) == sorted(
        in_words(row["mean_seconds_out"]) for row in figures["repairs"]
    )
    assert out and ended and figures["money"][0]["lost_revenue"], "the shop shows each of them"
    stores = {row["store_id"]: row for row in figures["pickup"]}
    found = rows(page, "Pickup by store")
    assert {cells[0] for cells in found} == stores.keys()
    for cells in found:
        row = stores[cells[0]]
        assert cells[1:] == [count(row["views"]), *(
            f"{amount(row[part])} {rate(row[part] / row['views'])}"
            for part in ("store_views", "elsewhere_views", "nowhere_views", "unknown_views")
        )]  # fmt: skip
    transfers = rows(page, "Transfers that pickup asks for")
    assert [cells[2] for cells in transfers] == [
        amount(row["wanted_views"])
        for row in sorted(figures["transfers"], key=lambda row: row["place"])
    ]
    sizes = page.locator(".sizes li").all_inner_texts()
    assert len(sizes) == len(figures["size_grid"])
    data = rows(page, "Freshness and balance of the data")
    assert [cells[0] for cells in data] == [row["topic"] for row in figures["topics"]]
    assert [cells[3] for cells in data] == [count(row["lines"]) for row in figures["topics"]]


@pytest.mark.parametrize(("store", "width"), zip(STORES, (1280, 390), strict=True))
def test_a_store_s_own_page_shows_its_pickup_and_nothing_else(
    show: Open, store: str, width: int
) -> None:
    page = show(width=width)
    page.locator("#pickup tbody").first.get_by_role("link", name=store, exact=True).click()
    page.wait_for_selector("html.store[data-drawn=yes]", state="attached")
    assert page.locator("h1").inner_text() == f"Pickup in {store}"
    assert page.locator("main > section:visible").count() == 1
    for label in ("Pickup by store", "Transfers that pickup asks for"):
        lines = page.locator(f"[aria-label='{label}'] tbody tr:visible")
        assert lines.count() == page.locator(f"[aria-label='{label}'] tr[data-store]").evaluate_all(
            "(lines, store) => lines.filter(line => line.dataset.store === store).length", store
        )
    page.get_by_role("link", name="All stores").click()
    page.wait_for_selector("html:not(.store)[data-drawn=yes]", state="attached")
    assert page.locator("main > section:visible").count() > 5


def test_the_page_of_a_store_without_pickup_says_so(show: Open) -> None:
    page = show(query="?store=<b>Nowhere")
    assert "names the store <b>Nowhere." in page.locator("#pickup").inner_text()
    assert page.locator("#pickup table:visible").count() == 0


def test_charts_are_drawn_and_times_are_the_readers_with_utc_beside(show: Open) -> None:
    page = show()
    assert page.locator(".chart svg").count() == len(page.locator(".chart").all()) == 6
    assert page.get_by_role("img", name="TWIST by hour;").count() == 1
    newest = page.locator("header time").first
    assert newest.inner_text() == "20 Nov, 12:59 (11:59 UTC)"
    bars = page.locator("[data-only=channel] svg").text_content() or ""
    assert "web" in bars
    assert "app" in bars


def test_it_is_accessible_and_fits_at_any_width_in_light_and_dark(show: Open) -> None:
    page = show()
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    axe, found = Axe(), []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            found += [
                (scheme, width, fault["id"], [node["html"] for node in fault["nodes"]][:3])
                for fault in axe.run(page).response["violations"]
                if fault["impact"] in ("serious", "critical")
            ]
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert found == []


def test_a_definition_opens_by_keyboard_and_closes_by_escape(show: Open) -> None:
    page = show()
    summary = page.locator("#now summary")
    summary.focus()
    page.keyboard.press("Enter")
    definition = page.locator("#now .definition p")
    assert definition.is_visible()
    assert "in-stock views over the views whose stock state is known" in definition.inner_text()
    page.keyboard.press("Escape")
    assert not definition.is_visible()


def test_in_print_every_table_is_open(show: Open) -> None:
    page = show()
    tables = page.locator("details.rows .scroll")
    assert not tables.first.is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert all(table.is_visible() for table in tables.all())
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not tables.first.is_visible()


def test_evil_long_and_arabic_names_are_shown_and_harmless(show: Open) -> None:
    page = show(width=390)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    text = page.locator("main").inner_text()
    for name in (EVIL, ARABIC, LONG, "\"><img src=x onerror='alert(1)'>", "O'Neill"):
        assert name in text
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 4
    assert page.locator("bdi", has_text=ARABIC).count() > 0


def test_the_policy_of_the_page_refuses_other_scripts_and_requests(show: Open) -> None:
    page = show(scripts=False)
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy


def test_checks_are_listed_red_first(show: Open) -> None:
    page = show(scripts=False)
    assert page.locator("#checks details > summary").all_inner_texts() == [
        "1 failed", "1 warned", "1 passed",
    ]  # fmt: skip
    assert "Got 2 results <b>" in page.locator("#checks .failed").inner_text()
    assert "1 check is red" in page.locator(".note.red").inner_text()


def test_an_empty_warehouse_says_so_and_shows_no_rate(show: Open) -> None:
    page = show("empty")
    assert "No product was viewed yet" in page.locator(".note").inner_text()
    assert page.locator(".figure").all_inner_texts() == ["–", "–", "–", "–"]
    assert page.locator(".chart").count() == 0
    assert "No check has run" in page.locator("#checks").inner_text()


@pytest.mark.long
def test_little_data_without_catalog_or_stock_is_told_as_unknown(
    show: Open, overviews: Overviews
) -> None:
    overviews.make_otto()
    page = show("otto")
    notes = " ".join(page.locator(".note").all_inner_texts())
    assert "No stock event has arrived yet: no view can be evaluated." in notes
    assert "Stock is known for only 0.0% of these views" in notes
    assert page.locator(".figure").all_inner_texts()[0] == "–"
    assert "The catalog knows the brand of none" in page.locator("#breakdown").inner_text()
    assert "there are no stock events yet" in page.locator("#lost").inner_text()


def test_a_first_day_and_a_brand_of_unknown_stock_are_drawn_too(
    show: Open, overviews: Overviews
) -> None:
    figures = overviews.figures("shop")
    band = {"band_days": 0, "low_rate": None, "high_rate": None, "usual_rate": None}
    figures["hours"] = [row | band for row in figures["hours"]]
    figures["breakdown"] = [row | {"week_rate": None} for row in figures["breakdown"]]
    (overviews.root / "first").mkdir(exist_ok=True)
    overviews.page("first").write_text(render(figures, None))
    page = show("first")
    assert page.locator(".chart svg").count() == 6
    assert "unknown" in (page.locator("[data-only=brand] svg").text_content() or "")
    assert "no earlier days yet" in page.locator(".note.info").inner_text()


def test_old_data_is_called_old(show: Open, overviews: Overviews) -> None:
    page = show("stale", scripts=False)
    assert page.locator("header .pill").inner_text() == "not fresh"
    assert "the newest view is 3 days old" in page.locator(".note.red").first.inner_text()
    assert show("shop", scripts=False).locator("header .pill").inner_text() == "fresh"
    same = ("now", "hours", "lost_skus")
    stale, fresh = overviews.figures("stale"), overviews.figures("shop")
    assert [stale[part] for part in same] == [fresh[part] for part in same]


def test_it_is_one_small_file(overviews: Overviews) -> None:
    assert (overviews.root / "shop" / PAGE).stat().st_size < 1_500_000
