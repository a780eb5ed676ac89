"""`make bench`: measures TWIST and its alternatives on the same input, in one run.

    make bench [SIZE=day] [ROWS="floor ours …"]

A run of all rows is stored; one of some rows is only shown.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.settings import ROOT
from tests.benchmarks import report, results
from tests.benchmarks.bench import ROWS, Bench, NotEqual
from tests.benchmarks.measured import CommandFailed
from tests.benchmarks.results import Run
from tests.benchmarks.sizes import SIZES


def machine() -> dict[str, Any]:
    """What ran it: the figures mean something beside this only."""
    import dbt.version
    import duckdb

    return {
        "cpu": _said("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory": _said("/proc/meminfo", "MemTotal"),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "dbt": dbt.version.__version__,
        "commit": subprocess.run(
            ["git", "--git-dir=.git", "--work-tree=.", "describe", "--always", "--dirty"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        ).stdout.strip(),
    }  # fmt: skip


def _said(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def run(rows: Sequence[str], size: str, root: Path) -> int:
    """Measure, print, store; exit status 1 when a row failed or two engines differ."""
    if unknown := {*rows} - {*ROWS} or {size} - {*SIZES}:
        print(f"twist: {', '.join(unknown)}: rows are {', '.join(ROWS)}; sizes {', '.join(SIZES)}")
        return 2
    ran_on = machine() | {"load_before": os.getloadavg()[0]}
    bench = Bench(SIZES[size], root)
    try:
        bench.measure_all(set(rows or ROWS))
    except (CommandFailed, NotEqual) as error:
        print(f"twist: {error}", file=sys.stderr)
        return 1
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    ran_on["load_after"] = os.getloadavg()[0]
    measured = Run(size, date, ran_on, bench.rows, bench.skipped, bench.accuracy, bench.storage)
    before = results.newest(size)
    print(report.describe(measured, before))
    if not rows:
        path = results.path_of(size, date)
        results.store(measured, path)
        path.with_suffix(".md").write_text(report.describe(measured, before, markdown=True) + "\n")
        print(f"\n→ {path.relative_to(ROOT)}, {path.with_suffix('.md').name}")
    return 1 if bench.failed else 0
