"""The guide of `make docs`: the checkout's Markdown as static pages, laid out as in the checkout.

A link to another page of the guide leads to that page. A link to any other file of the checkout
becomes its text: the pages are read without the checkout, and name files by their path in it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from posixpath import join, normpath, relpath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingestion.settings import ROOT

SOURCES = (
    "README.md",
    "CONTRIBUTING.md",
    "dbt_project/docs/*.md",
    "dbt_project/docs/decisions/*.md",
    "ingestion/connect/connectors/README.md",
    "expectations/README.md",
)
FOLDER = "guide"
"""The guide's folder beside the index page."""
STYLE = """
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }
  body { padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
  td { overflow-wrap: anywhere; }
  th, td { border-bottom: 1px solid #8886; padding: 0.3rem 0.6rem; }
  th, td { text-align: left; vertical-align: top; }
  pre { overflow-x: auto; background: #8882; padding: 0.6rem 0.8rem; font-size: 0.85rem; }
"""
"""Of every page of `make docs` but dbt's and the overview."""
_DOCS_TAG = re.compile(r"^\{% *(?:docs\b.*|enddocs) *%\}\n", re.MULTILINE)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<p><a href="{index}">TWIST docs</a> / <code>{source}</code></p>
{text}
</html>
"""


def markdown_parser() -> MarkdownIt:
    """CommonMark with tables; HTML in a page is shown as text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def sources(root: Path = ROOT) -> list[str]:
    """The Markdown files that are in the guide, by their path in the checkout."""
    return [
        path.relative_to(root).as_posix() for each in SOURCES for path in sorted(root.glob(each))
    ]


def write_guide(pages: Path, root: Path = ROOT) -> dict[str, str]:
    """Write the guide into its folder in `pages`; return the title of each page, by address."""
    known = sources(root)
    titles = {}
    for source in known:
        title, page = render(source, (root / source).read_text(), known)
        target = pages / address(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page)
        titles[address(source)] = title
    return titles


def address(source: str) -> str:
    """Where the page of a Markdown file is, seen from the index page."""
    return f"{FOLDER}/{source.removesuffix('.md')}.html"


def render(source: str, text: str, known: Sequence[str]) -> tuple[str, str]:
    """A Markdown file as its title and its page; `known` are the files that have pages."""
    parser = markdown_parser()
    tokens = parser.parse(_DOCS_TAG.sub("", text))
    title = source
    for heading, words, anchor in reversed(list(headings(tokens))):
        heading.attrSet("id", anchor)
        title = words if heading.tag == "h1" else title
    for token in tokens:
        token.children = list(_with_links(source, token.children or [], known))
    page = _PAGE.format(
        title=escape(title),
        style=STYLE,
        index=relpath("index.html", str(Path(address(source)).parent)),
        source=source,
        text=parser.renderer.render(tokens, parser.options, {}),
    )
    return title, page


def headings(tokens: Sequence[Token]) -> Iterator[tuple[Token, str, str]]:
    """Each heading's token, its words, and the anchor that a link to it names, as on GitHub."""
    seen: Counter[str] = Counter()
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in inline.children or [])
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            seen[anchor] += 1
            yield token, words, anchor + (f"-{seen[anchor] - 1}" if seen[anchor] > 1 else "")


def _with_links(source: str, tokens: Sequence[Token], known: Sequence[str]) -> Iterator[Token]:
    """The tokens of a paragraph: links lead to pages of the guide, or are their text."""
    is_text = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(source, str(token.attrs["href"]), known)
            is_text = target is None
            token.attrs["href"] = target or ""
        if token.type not in ("link_open", "link_close") or not is_text:
            yield token


def _target(source: str, link: str, known: Sequence[str]) -> str | None:
    """What a link of a page leads to, seen from that page; None: a file without a page."""
    path, _, anchor = link.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return link
    other = normpath(join(str(Path(source).parent), path))
    if other not in known:
        return None
    page = relpath(address(other), str(Path(address(source)).parent))
    return f"{page}#{anchor}" if anchor else page


def linked_from_index(source: str, text: str, known: Sequence[str]) -> str:
    """The Markdown of a file that is shown beside the index page, with links to the guide."""

    def moved(match: re.Match[str]) -> str:
        path, _, anchor = match[1].partition("#")
        other = normpath(join(str(Path(source).parent), path))
        to = f"{address(other)}#{anchor}" if anchor else address(other)
        return f"]({to})" if other in known else match[0]

    return re.sub(r"\]\(([^)\s:]+)\)", moved, text)
