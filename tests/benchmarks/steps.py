"""Small steps in a warm process, load included: what freshness costs.

    python -m tests.benchmarks.steps SIZE WHOLE FOUND.json      (settings in the environment)

On a warehouse that `data.lay_behind` filled: 5-minute steps and 1-minute steps of the evening,
cycles that find nothing, and the first cycle after midnight, which opens a day.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingestion.settings import load_settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from tests.benchmarks.data import land_slice
from tests.benchmarks.ours import Models
from tests.benchmarks.sizes import DAY, PEAK_HOUR, SIZES, Size

IDLE_CYCLES = 5


def run(size: Size, whole: Path) -> dict[str, Any]:
    """Each kind of cycle → CPU and wall seconds, lines, and CPU by model; the median by CPU."""
    settings = load_settings()
    dbt = Dbt(settings)
    models = Models(dbt)
    at = DAY + timedelta(hours=PEAK_HOUR)

    def cycle() -> dict[str, Any]:
        models.taken()
        began, wall = time.process_time(), time.monotonic()
        report = load(settings, dbt, lambda _: None)
        return {
            "cpu": round(time.process_time() - began, 3),
            "wall": round(time.monotonic() - wall, 3),
            "lines": report.lines,
            "models": models.taken(),
        }

    def steps(seconds: int) -> list[dict[str, Any]]:
        nonlocal at
        found = []
        for _ in range(size.steps):
            land_slice(whole, Path(settings.landing_root), at, seconds)
            at += timedelta(seconds=seconds)
            found.append(cycle())
        return found

    land_slice(whole, Path(settings.landing_root), at, size.step_seconds)
    at += timedelta(seconds=size.step_seconds)
    cycle()  # dbt warms up
    found = {
        "5min": steps(size.step_seconds),
        "1min": steps(size.step_seconds // 5),
        "idle": [cycle() for _ in range(IDLE_CYCLES)],
    }
    at = DAY + timedelta(days=1)
    land_slice(whole, Path(settings.landing_root), at, size.step_seconds)
    found["midnight"] = [cycle()]
    dbt.close()
    return {kind: median(cycles) for kind, cycles in found.items()}


def median(cycles: list[dict[str, Any]]) -> dict[str, Any]:
    """The cycle of the middle by CPU, with the CPU of all."""
    ordered = sorted(cycles, key=lambda each: float(each["cpu"]))
    return {**ordered[len(ordered) // 2], "all_cpu": [each["cpu"] for each in cycles]}


if __name__ == "__main__":
    answer = run(SIZES[sys.argv[1]], Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(answer, indent=1))
