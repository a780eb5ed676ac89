"""DuckDB by hand: one script that makes the day's marts as Parquet files.

python -m tests.benchmarks.by_hand LANDING OUT
"""

import sys
from pathlib import Path
from string import Template

import duckdb

SCRIPT = Path(__file__).with_suffix(".sql")


def run(landing: Path, out: Path) -> None:
    """Write `<out>/<mart>.parquet` for each mart."""
    out.mkdir(parents=True, exist_ok=True)
    duckdb.execute(Template(SCRIPT.read_text()).substitute(landing=landing, out=out))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
