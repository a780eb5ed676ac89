"""What Markdown files refer to: links, commands and paths, and the references that lead nowhere.

Each checker returns what it objects to, one sentence a fault. The files are given as texts by their
path in the checkout.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from posixpath import join, normpath

import click
from markdown_it import MarkdownIt
from markdown_it.token import Token

EXTENSIONS = "csv|html|js|json|lock|md|parquet|properties|py|sql|toml|txt|xml|yaml|yml"
FOLDERS = "dbt_project|docker|expectations|ingestion|orchestration|tests"
PATH = re.compile(rf"(?:[\w.@-]+/)+[\w.@-]+\.(?:{EXTENSIONS})|(?:{FOLDERS})(?:/[\w.@-]+)+/?")
PARSER = MarkdownIt("commonmark").enable("table")
MADE = (".data/", "dbt_project/target/", "dbt_project/logs/")
"""Folders of files that commands write: git ignores them."""


def link_faults(files: Mapping[str, str], exists: Callable[[str], bool]) -> list[str]:
    """Links to files that do not exist, or to anchors that no heading of the file has."""
    anchors = {path: set(_anchors(text)) for path, text in files.items()}
    faults = []
    for source, text in files.items():
        for link in _links(text):
            path, _, anchor = link.partition("#")
            target = normpath(join(Path(source).parent.as_posix(), path)) if path else source
            if re.match(r"[a-z]+:", link):
                continue
            if target.startswith("..") or not exists(target):
                faults.append(f"{source}: {link}: there is no {target}")
            elif anchor and anchor not in anchors.get(target, ()):
                faults.append(f"{source}: {link}: {target} has no such heading")
    return faults


def make_faults(files: Mapping[str, str], makefile: str) -> list[str]:
    """`make <target>` of which the Makefile has no such target."""
    targets = set(re.findall(r"(?m)^([a-z][a-z-]*):", makefile))
    return [
        f"{source}: make {target}: no such target"
        for source, text in files.items()
        for code in _codes(text)
        for target in re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", code)
        if target not in targets
    ]


def command_faults(files: Mapping[str, str], cli: click.Group) -> list[str]:
    """`python -m orchestration <command>` of which the command line has no such command."""
    return [
        f"{source}: python -m orchestration {words}: {problem}"
        for source, text in files.items()
        for code in _codes(text)
        for words in re.findall(r"python -m orchestration ([^\n#;&|]*)", code)
        if (problem := _problem(words.split("  ")[0].split(), cli))
    ]


def _problem(words: list[str], command: click.Command) -> str | None:
    while words and isinstance(command, click.Group):
        found = command.commands.get(words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if word.startswith("--") and word not in known]
    return f"no option {unknown[0]}" if unknown else None


def path_faults(files: Mapping[str, str], exists: Callable[[str], bool]) -> list[str]:
    """Paths in backticks that are neither in the checkout nor beside the file that names them."""
    return [
        f"{source}: `{path}` does not exist"
        for source, text in files.items()
        for path in _inline(text)
        if PATH.fullmatch(path) and not path.startswith(MADE)
        if not exists(path) and not exists(normpath(join(Path(source).parent.as_posix(), path)))
    ]


def page_faults(root: Path) -> list[str]:
    """Links of the HTML pages under a folder that lead to no file there, or to no anchor in it."""
    pages = {path: _Page(path.read_text()) for path in sorted(root.rglob("*.html"))}
    faults = []
    for source, page in pages.items():
        for link in page.links:
            path, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            path = path.partition("?")[0]
            target = (source.parent / path).resolve() if path else source
            where = f"{source.relative_to(root)}: {link}"
            if not target.is_relative_to(root) or not target.is_file():
                faults.append(f"{where}: there is no such file")
            elif anchor and not anchor.startswith("!") and anchor not in pages[target].ids:
                faults.append(f"{where}: no such anchor")
    return faults


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.ids.add(found["id"] or "")
        if tag == "a":
            self.links.append(found.get("href") or "")


def _tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or []


def _links(text: str) -> Iterator[str]:
    for token in _tokens(text):
        if token.type in ("link_open", "image"):
            yield str(token.attrs.get("href") or token.attrs.get("src"))


def _anchors(text: str) -> Iterator[str]:
    """The anchor of each heading, as on GitHub."""
    seen: Counter[str] = Counter()
    for token, inline in pairwise(PARSER.parse(text)):
        if token.type == "heading_open":
            words = "".join(child.content for child in inline.children or [])
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            seen[anchor] += 1
            yield anchor + (f"-{seen[anchor] - 1}" if seen[anchor] > 1 else "")


def _codes(text: str) -> Iterator[str]:
    for token in _tokens(text):
        if token.type in ("code_inline", "code_block", "fence"):
            yield token.content


def _inline(text: str) -> Iterator[str]:
    for token in _tokens(text):
        if token.type == "code_inline":
            yield token.content
