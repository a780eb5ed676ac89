"""The site of `make docs`, built by MkDocs: the checkout's Markdown and the pages in `site/`."""

import json
import re
from pathlib import Path
from typing import Any

from ingestion.settings import ROOT

SOURCES = (
    "README.md",
    "CONTRIBUTING.md",
    "dbt_project/docs/*.md",
    "dbt_project/docs/decisions/*.md",
    "ingestion/connect/connectors/README.md",
    "expectations/README.md",
)
SITE = Path(__file__).parent / "site"
_DOCS_TAG = re.compile(r"(?m)^\{% *(?:docs\b.*|enddocs) *%\}\n")
_FILE_LINK = re.compile(r"\[([^\]]*)\]\((?!#|[a-z]+:|[^)]*\.md\b)[^)]*\)")
"""A link to a file of the checkout that is no page: its text stays."""


def build_site(docs: Path, site: Path, manifest: dict[str, Any]) -> None:
    """Build `site` from the guide, the templates and `docs`, which holds the other pages.

    Raises:
        mkdocs.exceptions.Abort: a link leads nowhere; a warning in the log names it.
    """
    from jinja2 import Environment, FileSystemLoader
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    guides = {
        f"guide/{path.relative_to(ROOT)}": _FILE_LINK.sub(
            r"\1", _DOCS_TAG.sub("", path.read_text())
        )
        for each in SOURCES
        for path in sorted(ROOT.glob(each))
    }
    schemas = {path.stem: json.loads(path.read_text()) for path in sorted(docs.glob("schemas/*"))}
    jinja = Environment(loader=FileSystemLoader(SITE), autoescape=True, trim_blocks=True)
    jinja.filters["cell"] = lambda text: " ".join(text.split()).replace("|", r"\|")
    decisions = [page for page in guides if "/decisions/" in page]
    sections = {"Guide": [page for page in guides if page not in decisions], "Decisions": decisions}
    tables = sorted(
        (n for n in manifest["nodes"].values() if n["resource_type"] == "model" and n["columns"]),
        key=lambda node: node["name"],
    )
    shown = {"docs": docs, "guides": guides, "schemas": schemas, "sections": sections}
    shown["tables"] = {
        schema: [node for node in tables if node["schema"] == schema]
        for schema in ("marts", "audit")
    }
    names = ["index.md", "contract/topics.md", "contract/tables.md"]
    made = {name: jinja.get_template(f"{name}.jinja").render(shown) for name in names}
    for page, text in (guides | made).items():
        (docs / page).parent.mkdir(parents=True, exist_ok=True)
        (docs / page).write_text(text)
    nav = [{"Home": names[0]}, {"Contracts": names[1:]}, *({k: v} for k, v in sections.items())]
    build(load_config(str(SITE / "mkdocs.yml"), docs_dir=str(docs), site_dir=str(site), nav=nav))
    (site / "404.html").unlink()  # a server's: its links do not work from disk
