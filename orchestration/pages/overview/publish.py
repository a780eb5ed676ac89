"""The overview: one self-contained page, the same figures as JSON, and the schema of that.

The figures come from the SQL views of `dbt_project/models/overview`, one for each part of the page;
only their age is computed here. No load creates these SQL views: they hold no data, so they are
created once, and again when their SQL changes.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from obstore import head, put

from ingestion.s3 import open_place
from ingestion.settings import ROOT, Settings, is_s3
from orchestration.pages.overview.figures import read_figures
from orchestration.pages.overview.page import render
from orchestration.pages.overview.parts import schema
from orchestration.warehouse.dbt_runner import PROJECT, Dbt
from orchestration.warehouse.engines import engine_of
from orchestration.warehouse.private import with_usual_permissions

PAGE = "overview.html"
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
VIEWS = ("--select", "path:models/overview")
CREATED = "overview.views"
"""A file in the warehouse's folder: a fingerprint of the SQL views that were created."""


def publish(
    settings: Settings,
    dbt: Callable[[], Dbt],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """Write page, JSON and schema to TWIST_OVERVIEW; return the page's address.

    Each file is replaced in one step, after all of them have been built: a build that fails leaves
    the previous page. `dbt` is called only if the SQL views must be created.

    Raises:
        SettingsError: there is no complete warehouse, or TWIST_OVERVIEW cannot be written to.
        DbtFailed: the SQL views could not be created, such as while another process is writing.
    """
    put_files(settings, pages(settings, dbt, now(), _docs_beside(settings)))
    return f"{settings.overview_root}/{PAGE}"


def is_published(settings: Settings) -> bool:
    """Whether the page is in TWIST_OVERVIEW."""
    place = settings.overview_root
    if not is_s3(place):
        return (Path(place) / PAGE).exists()
    try:
        head(open_place(settings, place), PAGE)
    except FileNotFoundError:
        return False
    return True


def put_files(settings: Settings, files: dict[str, str]) -> None:
    """Replace the files (name → text) in TWIST_OVERVIEW, each in one step."""
    place = settings.overview_root
    store = open_place(settings, place)
    for name, text in files.items():
        # Without a content type a browser would offer the page for download; folders have none.
        kind = {"Content-Type": TYPES[Path(name).suffix]} if is_s3(place) else None
        with with_usual_permissions():
            put(store, name, text.encode(), attributes=kind)


def pages(
    settings: Settings, dbt: Callable[[], Dbt], now: datetime, docs: str | None
) -> dict[str, str]:
    """The files of the overview, name → text; `docs` is the path from the page to the dbt docs."""
    create_sql_views(settings, dbt)
    figures = read_figures(settings, now)
    return {
        "overview.schema.json": json.dumps(schema(), indent=1),
        "overview.json": json.dumps(figures, ensure_ascii=False, indent=1),
        PAGE: render(figures, docs),
    }


def create_sql_views(settings: Settings, dbt: Callable[[], Dbt]) -> None:
    """Create the SQL views if the warehouse does not have the current version of them."""
    engine_of(settings).require()
    if not sql_views_exist(settings):
        dbt().run("run", *VIEWS)
        (settings.warehouse_root / CREATED).write_text(_fingerprint())


def sql_views_exist(settings: Settings) -> bool:
    """Whether the warehouse has the current version of the SQL views: no writer is needed then."""
    created = settings.warehouse_root / CREATED
    return created.exists() and created.read_text() == _fingerprint()


def _fingerprint() -> str:
    written = hashlib.sha256()
    for folder in ("models/overview", "macros/cross_engine"):
        for path in sorted((PROJECT / folder).glob("*.sql")):
            written.update(path.read_bytes())
    return written.hexdigest()


def _docs_beside(settings: Settings) -> str | None:
    """The path from the page to the dbt docs: `make docs` writes them beside its folder."""
    if is_s3(settings.overview_root):
        return "../docs/dbt.html"
    docs = Path(settings.overview_root).parent / "docs" / "dbt.html"
    if docs.exists():
        return "../docs/dbt.html"
    default = ROOT / ".data" / "docs" / "dbt.html"
    return default.as_uri() if default.exists() else None
