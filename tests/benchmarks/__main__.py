"""`make bench`: measures TWIST and its alternatives on the same input, in one run.

    python -m tests.benchmarks [--size small] [--rows floor ours …]

A run of all rows is stored; one of some rows is only shown.
"""

import argparse
import os
import platform
import subprocess
import sys
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
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        ).stdout.strip(),
    }  # fmt: skip


def _said(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def main() -> int:
    """Measure, print, store; exit status 1 when a row failed or two engines differ."""
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=[], metavar="ROW",
                        help=f"some of {', '.join(ROWS)}")  # fmt: skip
    parser.add_argument("--root", type=Path, default=ROOT / ".data" / "bench")
    options = parser.parse_args()
    ran_on = machine() | {"load_before": os.getloadavg()[0]}
    bench = Bench(SIZES[options.size], options.root)
    try:
        bench.measure_all(set(options.rows or ROWS))
    except (CommandFailed, NotEqual) as error:
        print(f"twist: {error}", file=sys.stderr)
        return 1
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    ran_on["load_after"] = os.getloadavg()[0]
    run = Run(options.size, date, ran_on, bench.rows, bench.skipped, bench.accuracy, bench.storage)
    before = results.newest(options.size)
    print(report.describe(run, before))
    if not options.rows:
        path = results.path_of(options.size, date)
        results.store(run, path)
        path.with_suffix(".md").write_text(report.describe(run, before, markdown=True) + "\n")
        print(f"\n→ {path.relative_to(ROOT)}, {path.with_suffix('.md').name}")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
