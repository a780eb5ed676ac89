"""Each command of README.md and CONTRIBUTING.md is run by a test, most of them by make itself."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from ingestion.settings import ROOT
from ingestion.simulation.simulator import RetailerConfig, write_landing
from tests.harness.checkout import Checkout

RUN_HERE = (
    "load", "sql", "replay-late", "accept", "forget", "maintain", "rebuild", "export", "restore",
    "overview", "docs", "demo",
)  # fmt: skip
RUN_ELSEWHERE = {
    "setup": ".ci/run",
    "lint": ".ci/run",
    "test": ".ci/run",
    "test-all": "tests/test_conventions.py",  # pytest without a marker: what the others run
    "stream": "tests/streaming/test_stream.py",
    "pin": "tests/streaming/test_pins.py",  # its script, with tools that reach nothing
    "up": "tests/streaming/test_files.py",  # its compose file; no engine runs in the tests
    "ui": "tests/orchestration/test_ui.py",
    "bench": "tests/benchmarks/test_harness.py",
    "diff": "tests/orchestration/test_marts_diff.py",
    "teradata-probe": "tests/teradata/test_ledger.py",
    "teradata-script": "tests/teradata/test_setup.py",
}
"""Where the command behind a target is run."""


def test_every_target_that_the_guides_name_is_run_by_a_test() -> None:
    named = set()
    for guide in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / guide).read_text()
        for code in re.findall(r"`([^`\n]+)`|(?m:^(make .*)$)", text):
            named |= set(re.findall(r"\bmake ([a-z][a-z-]*)", " ".join(code)))
    assert named <= {*RUN_HERE, *RUN_ELSEWHERE}
    assert all((ROOT / place).exists() for place in RUN_ELSEWHERE.values())


def test_a_file_of_tests_that_a_promise_names_kills_as_often_as_it_says() -> None:
    said = re.findall(
        r"`(?:tests/dbt/)?(test_\w+\.py)`: (\w+) (?:kills|`kill -9`)",
        (ROOT / "README.md").read_text(),
    )
    assert {word for _, word in said} == {"twenty", "thirty"}
    for file, word in said:
        assert f"def test_{word}_kills_" in (ROOT / "tests" / "dbt" / file).read_text(), file


def make(checkout: Checkout, *words: str, status: int = 0) -> str:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
    done = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=checkout.root,
        env={**inherited, "TWIST_LANDING": "landing"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (status, 2 if status else 0), done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.ci
def test_the_commands_work_one_after_the_other(tmp_path: Path) -> None:
    checkout = Checkout.make_whole(tmp_path / "twist")
    config = RetailerConfig(
        views=600, styles=10, locations=5, hours=150, late_rate=0.1, too_late_rate=0.1
    )
    write_landing(config, checkout.root / "landing")
    cut = next((checkout.root / "landing").rglob("clickstream+*.json.gz"))
    cut.write_bytes(cut.read_bytes()[:30])
    assert "unreadable: " in make(checkout, "load", status=1)
    key = cut.relative_to(checkout.root / "landing")
    assert make(checkout, "accept", f"KEY={key}", "WHY=a test's").startswith("accepted ")
    assert make(checkout, "load").startswith("0 objects, ")
    assert make(checkout, "sql", "Q=select count(*) > 100 as many from fct_twist") == "many\ntrue\n"
    assert "late events replayed; " in make(checkout, "replay-late")
    ((visitor,),) = [
        line.split(",")
        for line in make(checkout, "sql", "Q=select min(visitor_id) as v from fct_twist").split()[
            1:
        ]
    ]
    assert "1 visitors forgotten" in make(
        checkout, "forget", f"VISITOR={visitor}", "WHY=a test's $x"
    )
    assert "small files merged" in make(checkout, "maintain", "KEEP=0")
    assert " 0 late" not in make(checkout, "rebuild")
    assert "exported to " in make(checkout, "export")
    assert "rows restored, checksum" in make(checkout, "restore", "DAY=2026-11-01")
    assert "open " in make(checkout, "overview")
    assert "open " in make(checkout, "docs")
    assert (checkout.root / ".data/docs/guide/index.html").exists()
    assert "The audit: every line that landed" in make(checkout, "demo", "DATA=otto")
