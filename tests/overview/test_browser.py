"""Where the page's browser comes from, and what happens where there is none."""

import sys
from pathlib import Path

import pytest

from tests.overview.browser import NAMES, NoBrowser, fetch_once, find_browser, give_up


def not_asked() -> None:
    raise AssertionError("the machine has a browser: nothing is to be fetched")


def program(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", [name for name in NAMES if "/" not in name])
def test_the_browser_of_the_machine_comes_first(name: str, tmp_path: Path) -> None:
    there = program(tmp_path, name)
    assert find_browser(not_asked, path=str(tmp_path)) == there


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep browsers elsewhere too")
def test_playwright_fetches_one_where_the_machine_has_none(tmp_path: Path) -> None:
    asked = []
    assert find_browser(lambda: asked.append(1), path=str(tmp_path)) is None
    assert asked == [1]


def test_a_fetch_that_succeeds_says_nothing(tmp_path: Path) -> None:
    fetch_once(tmp_path, [sys.executable, "-c", ""])
    fetch_once(tmp_path, [sys.executable, "-c", ""])


def test_a_fetch_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    fails = f"open({str(tries)!r}, 'a').write('x'); raise SystemExit('Error: no network')"
    for _ in range(2):
        with pytest.raises(NoBrowser, match=r"Playwright could not fetch one \(Error: no network"):
            fetch_once(tmp_path, [sys.executable, "-c", fails])
    assert tries.read_text() == "x"


def test_a_fetch_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    hangs = "import subprocess; subprocess.run(['sleep', '600'])"
    with pytest.raises(NoBrowser, match="within 1 seconds"):
        fetch_once(tmp_path, [sys.executable, "-c", hangs], seconds=1)


def test_without_a_browser_the_tests_are_skipped_and_say_what_to_install() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"no network: install Chromium or Chrome"):
        give_up(NoBrowser("no network"), {})


def test_in_ci_a_missing_browser_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"no network: install Chromium or Chrome"):
        give_up(NoBrowser("no network"), {"CI": "true"})
