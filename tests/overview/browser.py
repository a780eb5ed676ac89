"""Which browser opens the page: the machine's, else one that Playwright fetches into .venv."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FOLDER = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or str(Path(sys.prefix) / "browsers")
"""Where Playwright's own lies; by itself it would put it into HOME."""
INSTALL = (sys.executable, "-m", "playwright", "install", "--only-shell", "chromium")
PATIENCE_SECONDS = 120.0
CURE = "install Chromium or Chrome (on Debian: apt-get install chromium), and run the tests again"


class NoBrowser(Exception):
    """There is no browser; the message says why."""


def find_browser(fetch: Callable[[], None], path: str | None = None) -> str | None:
    """The machine's Chromium or Chrome; None for the one that `fetch` brings.

    Raises:
        NoBrowser: there is none, and Playwright cannot fetch one.
    """
    for name in NAMES:
        if program := shutil.which(name, path=path):
            return program
    fetch()
    return None


def give_up(reason: NoBrowser, variables: Mapping[str, str]) -> NoReturn:
    """Skip the test with the sentence that says what to install; with CI=true, fail with it."""
    sentence = f"the overview page is tested in a browser, and {reason}: {CURE}"
    if variables.get("CI", "").lower() in ("true", "1"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def fetch_once(
    shared: Path, argv: Sequence[str] = INSTALL, seconds: float = PATIENCE_SECONDS
) -> None:
    """Let Playwright fetch its browser where it has none: tried once by all who share a folder.

    Raises:
        NoBrowser: it could not.
    """
    told = shared / "browser.txt"
    with (shared / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            told.write_text(_failure(argv, seconds))
    if reason := told.read_text():
        raise NoBrowser(reason)


def _failure(argv: Sequence[str], seconds: float) -> str:
    """What kept the command from its end; empty when it came to it."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            argv,
            env={**os.environ, "PLAYWRIGHT_BROWSERS_PATH": FOLDER},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"Playwright could not fetch one within {seconds:.0f} seconds"
        log.seek(0)
        errors = [line.strip() for line in log if "Error: " in line] or [f"exit {status}"]
    return f"Playwright could not fetch one ({errors[0]})" if status else ""
