"""Published overviews of several shops, made once for all workers, and a browser to open them."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from ingestion.settings import Settings
from orchestration.demo import _land
from orchestration.monitoring import check_results
from orchestration.pages.overview.publish import publish
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.pipeline import Pipeline
from tests.harness.small_shop import NOON, days
from tests.overview.browser import FOLDER, NoBrowser, fetch_once, find_browser, give_up

CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EMPTIED = (
    "fct_twist",
    "fct_twist_hourly",
    "fct_lost_demand_hourly",
    "fct_conversion_daily",
    "fct_pickup_hourly",
    "fct_transfer_demand_hourly",
    "stockout_daily",
    "twist_daily",
)


def no_dbt() -> Dbt:
    raise AssertionError("the views are there: nothing is to be made")


class Overviews:
    """Folders of published overviews below `root`: shop, stale, empty, and otto when made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = self._settings("a shop")

    def page(self, name: str) -> Path:
        return self.root / name / "overview.html"

    def figures(self, name: str) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads((self.root / name / "overview.json").read_text())
        return figures

    def make(self) -> None:
        shop = Pipeline(self.root / "a shop")
        shop.deliver(days())
        shop.load()
        check_results.record(
            shop.settings,
            [
                check_results.Check("dbt", "sums_are_sums", "passed"),
                check_results.Check(
                    "Great Expectations", "views_are_many", "warned", "Why. Found: 3."
                ),
                check_results.Check("dbt", "days_are_hours", "failed", "Got 2 results <b>"),
            ],
        )
        self._publish(shop, "shop", NOON)
        self._publish(shop, "stale", NOON + timedelta(days=3))
        shop.close()
        shutil.copytree(shop.settings.warehouse_root, self.root / "no views" / "warehouse")
        shop.settings = self._settings("no views")
        shop.dbt.settings = shop.settings
        for table in EMPTIED:
            shop.dbt.connection().execute(f"delete from twist.marts.{table}")
        (shop.settings.warehouse_root / check_results.FILE).unlink()
        self._publish(shop, "empty", NOON)
        shop.close()

    def make_otto(self) -> None:
        otto = Pipeline(self.root / "otto's")
        _land("otto", None, Path(otto.settings.landing))
        otto.load()
        newest = otto.query("select max(view_ts) from twist.marts.fct_twist")[0][0]
        self._publish(otto, "otto", newest)
        otto.close()

    def _publish(self, shop: Pipeline, name: str, now: datetime) -> None:
        settings = shop.settings.model_copy(update={"overview": str(self.root / name)})
        publish(settings, lambda: shop.dbt, lambda: now.replace(tzinfo=UTC))

    def _settings(self, name: str) -> Settings:
        return Settings(
            _env_file=None,
            landing=str(self.root / name / "landing"),
            warehouse=str(self.root / name / "warehouse"),
            overview=str(self.root / name / "overview"),
        )


@pytest.fixture(scope="session")
def overviews(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Overviews:
    folder = tmp_path_factory.getbasetemp()
    root = (folder if worker_id == "master" else folder.parent) / "overviews"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Overviews(root)
        if not (root / "done").exists():
            made.make()
            (root / "done").touch()
    return made


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Browser]:
    folder = tmp_path_factory.getbasetemp()
    shared = folder if worker_id == "master" else folder.parent
    try:
        program = find_browser(lambda: fetch_once(shared))
    except NoBrowser as reason:
        give_up(reason, os.environ)
    # A browser keeps caches and certificates in HOME, whatever profile it is given.
    home = str(tmp_path_factory.mktemp("home"))
    own = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    os.environ["PLAYWRIGHT_BROWSERS_PATH"] = FOLDER
    with sync_playwright() as driver:
        try:
            opened = driver.chromium.launch(
                executable_path=program, args=CHROMIUM, env={**os.environ, **own}
            )
        except Error as error:
            named = program or f"Playwright's own in {FOLDER}"
            give_up(NoBrowser(f"{named} does not start ({error})"), os.environ)
        yield opened
        opened.close()


Open = Callable[..., Page]


@pytest.fixture
def show(browser: Browser, overviews: Overviews) -> Iterator[Open]:
    """Opens a page in Berlin; afterwards it must have said and asked for nothing."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(
        name: str = "shop", *, width: int = 1280, scripts: bool = True, query: str = "", **more: Any
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, timezone_id="Europe/Berlin",
            java_script_enabled=scripts, **more,
        )  # fmt: skip
        contexts.append(context)
        address = overviews.page(name).as_uri()
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda r: said.append(r.url) if not r.url.startswith(address) else None)
        page.goto(address + query)
        if scripts:
            page.wait_for_selector("html[data-drawn=yes]", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
