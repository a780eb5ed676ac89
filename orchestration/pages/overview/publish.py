"""The overview: one self-contained page, the same figures as JSON, and the schema of that.

The figures are the views of `dbt_project/models/overview`, one view for each part of the page;
nothing is computed here but how old they are. No load makes these views: they hold no data, so
they are made once, and again when their SQL changes.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from obstore import put
from obstore.store import LocalStore

from ingestion.s3 import bucket
from ingestion.settings import ROOT, Settings
from orchestration.pages.overview.figures import read_figures
from orchestration.pages.overview.page import render
from orchestration.pages.overview.parts import schema
from orchestration.warehouse.dbt_runner import PROJECT, Dbt
from orchestration.warehouse.engines import engine_of

PAGE = "overview.html"
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
VIEWS = ("--select", "path:models/overview")
MADE = "overview.views"
"""A file in the warehouse's folder: which views were made in it."""


def publish(
    settings: Settings,
    dbt: Callable[[], Dbt],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """Put page, JSON and schema where TWIST_OVERVIEW says; return the page's address.

    Each file is replaced in one step, and only when all of them are made: a build that fails leaves
    the page that was there. `dbt` is called where it is needed: to make the views.

    Raises:
        SettingsError: there is no complete warehouse, or the place cannot be written to.
        DbtFailed: the views could not be made, for one because another process is writing.
    """
    put_files(settings, pages(settings, dbt, now(), _docs_beside(settings)))
    return f"{settings.overview_root}/{PAGE}"


def put_files(settings: Settings, files: dict[str, str]) -> None:
    """Replace the files (name → text) where TWIST_OVERVIEW says, each in one step."""
    if settings.overview_is_s3:
        store = bucket(settings, settings.overview_root)
        for name, text in files.items():
            # Without its type a browser would offer the page for download.
            put(store, name, text.encode(), attributes={"Content-Type": TYPES[Path(name).suffix]})
        return
    folder = LocalStore(settings.overview_root, mkdir=True)
    for name, text in files.items():
        put(folder, name, text.encode())


def pages(
    settings: Settings, dbt: Callable[[], Dbt], now: datetime, docs: str | None
) -> dict[str, str]:
    """The files of the overview, name → text; `docs` is where the dbt docs are from the page."""
    ensure_views(settings, dbt)
    figures = read_figures(settings, now)
    return {
        "overview.schema.json": json.dumps(schema(), indent=1),
        "overview.json": json.dumps(figures, ensure_ascii=False, indent=1),
        PAGE: render(figures, docs),
    }


def ensure_views(settings: Settings, dbt: Callable[[], Dbt]) -> None:
    """Make the views in a warehouse that has not got them as they are written now."""
    engine_of(settings).require()
    if not views_are_made(settings):
        dbt().run("run", *VIEWS)
        (settings.warehouse_root / MADE).write_text(_fingerprint())


def views_are_made(settings: Settings) -> bool:
    """Whether the warehouse has the views as they are written now: no writer is needed then."""
    made = settings.warehouse_root / MADE
    return made.exists() and made.read_text() == _fingerprint()


def _fingerprint() -> str:
    written = hashlib.sha256()
    for folder in ("models/overview", "macros/cross_engine"):
        for path in sorted((PROJECT / folder).glob("*.sql")):
            written.update(path.read_bytes())
    return written.hexdigest()


def _docs_beside(settings: Settings) -> str | None:
    """Where the dbt docs are from the page: `make docs` writes them beside its folder."""
    if settings.overview_is_s3:
        return "../docs/dbt.html"
    docs = Path(settings.overview_root).parent / "docs" / "dbt.html"
    if docs.exists():
        return "../docs/dbt.html"
    default = ROOT / ".data" / "docs" / "dbt.html"
    return default.as_uri() if default.exists() else None
