"""The run book's entry of each check: what it means, the cure, how to know that it worked."""

import re
from contextlib import suppress
from functools import cache

from ingestion.settings import ROOT, SettingsError, load_settings
from orchestration.failures import RUNBOOK

DAMAGED_TABLE = "a-damaged-table"
"""The entry of the checks that a table cannot fail by data: keys, nulls, sums of other tables."""


def entry(check: str, default: str = DAMAGED_TABLE) -> str:
    """Where a check's entry is, such as dbt_project/docs/runbook.md#no_object_is_unreadable: a link
    if TWIST_DOCS_URL says where the docs site is served.

    A heading that begins with the check's name is its own.
    """
    own = next((name for name in headings() if name == check or name.startswith(f"{check}-")), "")
    place = f"{RUNBOOK}#{own or default}"
    return f"[{place}]({site()}/guide/{place.replace('.md#', '.html#')})" if site() else place


def with_entry(description: str | None, check: str, default: str = DAMAGED_TABLE) -> str:
    """A check's description with the place of its entry."""
    said = f"{description.rstrip('.')}. " if description else ""
    return f"{said}Red or amber: see {entry(check, default)}"


@cache
def site() -> str:
    """Where the docs site is served; empty also while a setting is wrong, which loads report."""
    with suppress(SettingsError):
        return load_settings().docs_url.rstrip("/")
    return ""


@cache
def headings() -> tuple[str, ...]:
    """The anchors of the run book's headings, as GitHub and mkdocs make them."""
    titles = re.findall(r"(?m)^#{2,4} (.+)$", (ROOT / RUNBOOK).read_text())
    return tuple(
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles
    )
