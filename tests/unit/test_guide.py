"""The Markdown of the checkout: what it refers to exists, and `make docs` renders it."""

import re
from pathlib import Path

import pytest

from ingestion.contract.strict_json import SCHEMAS
from ingestion.settings import ROOT
from orchestration.cli import cli
from orchestration.failures import RUNBOOK
from orchestration.monitoring.runbook import site, with_entry
from orchestration.pages import guide
from tests.harness import markdown
from tests.harness.checkout import known_files
from tests.unit.test_docs import build

OVERVIEW = "dbt_project/docs/overview.md"
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The Markdown files that git knows or would add."""
    return {
        path: (ROOT / path).read_text() for path in known_files("*.md") if (ROOT / path).is_file()
    }


def in_checkout(path: str) -> bool:
    return (ROOT / path).exists()


def test_every_link_leads_to_a_file_and_a_heading_that_exist(files: dict[str, str]) -> None:
    assert markdown.link_faults(files, in_checkout) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    planted = {
        "docs/a.md": "# One, two: `x_y`\n\n[good](b.md#three) [here](#one-two-x_y) [out](https://a.b)\n\n"
        "| x |\n|---|\n| [gone](gone.md) |\n\n[no anchor](b.md#four) ![away](../../c.png)\n",
        "docs/b.md": "## Three\n",
    }
    assert markdown.link_faults(planted, planted.__contains__) == [
        "docs/a.md: gone.md: there is no docs/gone.md",
        "docs/a.md: b.md#four: docs/b.md has no such heading",
        "docs/a.md: ../../c.png: there is no ../c.png",
    ]


def test_headings_with_the_same_words_have_anchors_of_their_own() -> None:
    twice = {"a.md": "# Do it\n\n## Do it\n\n[one](#do-it) [two](#do-it-1) [three](#do-it-2)\n"}
    assert markdown.link_faults(twice, twice.__contains__) == [
        "a.md: #do-it-2: a.md has no such heading"
    ]


def test_every_make_target_that_is_named_exists(files: dict[str, str]) -> None:
    assert markdown.make_faults(files, MAKEFILE) == []


def test_a_make_target_that_does_not_exist_is_found() -> None:
    planted = {
        "a.md": "make sure of `make load` and `A=1 make lode B=2`\n\n```\nmake docs-all\n```\n"
    }
    assert markdown.make_faults(planted, MAKEFILE) == [
        "a.md: make lode: no such target",
        "a.md: make docs-all: no such target",
    ]


def test_every_command_that_is_named_exists(files: dict[str, str]) -> None:
    assert markdown.command_faults(files, cli) == []


def test_a_command_that_does_not_exist_is_found() -> None:
    planted = {
        "a.md": "`python -m orchestration load --sweep` `python -m orchestration laod`\n\n"
        "    python -m orchestration connectors apply      --what it does\n"
        "    python -m orchestration connectors stop\n"
        "    python -m orchestration produce --rat 50 && true\n"
    }
    assert [fault.split(": ", 2)[2] for fault in markdown.command_faults(planted, cli)] == [
        "no command laod", "no command stop", "no option --rat",
    ]  # fmt: skip


def test_every_path_that_is_named_exists(files: dict[str, str]) -> None:
    assert markdown.path_faults(files, in_checkout) == []


def test_a_path_that_does_not_exist_is_found() -> None:
    planted = {
        "docs/a.md": "`docs/a.md` `more/b.py` `c/d.sql` `tests/e`\n\n"
        "`.data/x/y.json` `a/b` `tests/<day>.json`\n",
        "docs/more/b.py": "",
    }
    assert markdown.path_faults(planted, planted.__contains__) == [
        "docs/a.md: `c/d.sql` does not exist",
        "docs/a.md: `tests/e` does not exist",
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("docs"))


def test_every_link_of_the_rendered_pages_leads_to_a_page(pages: Path) -> None:
    assert markdown.page_faults(pages) == []


def test_a_link_of_a_page_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="one">1</h1><a href="#one"></a><a href="#two"></a><a href="b/c.html#d"></a>'
        '<a href="b/d.html"></a><a href="../out.html"></a><a href="https://a.b"></a>'
    )
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.html").write_text('<p id="d"></p>')
    (tmp_path.parent / "out.html").touch()
    assert markdown.page_faults(tmp_path) == [
        "a.html: #two: no such anchor",
        "a.html: b/d.html: there is no such file",
        "a.html: ../out.html: there is no such file",
    ]


def test_the_index_leads_to_each_page(pages: Path) -> None:
    index = (pages / "index.html").read_text()
    built = {path.relative_to(pages).as_posix() for path in pages.rglob("*.html")}
    others = {f"schemas/{path.name}" for path in SCHEMAS.iterdir()}
    assert {"guide/index.html", "guide/expectations/index.html", "dbt.html"} <= built
    assert any(page.startswith("guide/dbt_project/docs/decisions/0001-") for page in built)
    assert set(re.findall('href="([^"#?]+)', index)) >= (built | others) - {"index.html"}
    assert ">Run book</a>" in index


def test_a_check_links_to_its_entry_where_the_docs_site_is_served(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert with_entry("Small", "lag_is_small").endswith(f"see {RUNBOOK}#lag_is_small")
    monkeypatch.setenv("TWIST_DOCS_URL", "https://docs.test/twist/")
    monkeypatch.setattr("orchestration.monitoring.runbook.site", site.__wrapped__)
    link = with_entry("Small", "lag_is_small").partition("(https://docs.test/twist/")[2]
    file, _, anchor = link.rstrip(")").partition("#")
    assert f'id="{anchor}"' in (pages / file).read_text()


def test_a_page_has_its_tables_and_headings_and_no_tag_of_dbt(pages: Path) -> None:
    page = (pages / "guide" / OVERVIEW).with_suffix(".html").read_text()
    assert "<title>TWIST: the dbt project - TWIST</title>" in page
    assert '<h2 id="see-the-sql">See the SQL</h2>' in page
    assert "<table>" in page
    assert "{%" not in page
    assert "|---" not in page


def test_a_page_shows_the_lists_tables_and_code_that_github_shows(
    pages: Path, files: dict[str, str]
) -> None:
    for path in pages.glob("guide/**/*.html"):
        source = path.relative_to(pages / "guide").with_suffix(".md").as_posix()
        text = files.get(source) or files[source.replace("index.md", "README.md")]
        shown = path.read_text().split("<article ")[1].split("</article>")[0]
        wanted = markdown.PARSER.render(text)
        for tag in ("li", "ol", "ul", "pre", "table", "td", "code", "h2", "h3"):
            counts = [len(re.findall(f"<{tag}[ >]", html)) for html in (shown, wanted)]
            assert counts[0] == counts[1], (source, tag)


def test_a_link_to_a_file_without_a_page_becomes_its_text_and_a_page_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guide, "ROOT", tmp_path)
    (runbook := tmp_path / "dbt_project" / "docs" / "runbook.md").parent.mkdir(parents=True)
    runbook.write_text("# Run book\n")
    readme = tmp_path / "README.md"
    readme.write_text("# A\n\n## B\n\n[code `x`](x.py#L1) [self](#b) [far](https://a.b/c)\n")
    page = (build(tmp_path / "good") / "guide" / "index.html").read_text()
    assert 'code <code>x</code> <a href="#b">self</a> <a href="https://a.b/c">far</a>' in page
    readme.write_text("# A\n\n[gone](gone.md) [no anchor](#c)\n")
    with pytest.raises(SystemExit, match="2 warnings in strict mode"):
        build(tmp_path / "bad")
    assert "'gone.md'" in caplog.text
    assert "'#c'" in caplog.text


def test_dbt_shows_the_overview_as_its_first_page() -> None:
    text = (ROOT / OVERVIEW).read_text()
    assert text.startswith("{% docs __overview__ %}\n")
    assert text.endswith("{% enddocs %}\n")
    links = markdown.link_faults({OVERVIEW: text}, in_checkout)
    assert links == [], "without the other files no anchor is known: the page uses none"
