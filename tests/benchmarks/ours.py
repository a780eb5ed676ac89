"""Ours: `make load`'s own code on a landing lake, and what each model costs.

    python -m tests.benchmarks.ours FOUND.json [staged]

Settings come from the environment (TWIST_…). With `staged`, the marts are not computed.
"""

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from ingestion.settings import load_settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load


class Models:
    """The CPU and wall seconds of each dbt node, from dbt's own events: one node runs at a time."""

    def __init__(self, dbt: Dbt) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self._began: tuple[float, float] = (0.0, 0.0)
        dbt.warm_up().callbacks.append(self._on_event)

    def _on_event(self, event: Any) -> None:
        if event.info.name == "NodeStart":
            self._began = time.process_time(), time.monotonic()
        elif event.info.name == "NodeFinished":
            name = event.data.node_info.node_name
            self.cpu[name] += time.process_time() - self._began[0]
            self.wall[name] += time.monotonic() - self._began[1]

    def taken(self) -> dict[str, float]:
        """CPU seconds by model since the last time it was asked, dearest first."""
        cpu = {name: round(each, 3) for name, each in self.cpu.items()}
        self.cpu.clear()
        self.wall.clear()
        return dict(sorted(cpu.items(), key=lambda item: -item[1]))


def main() -> int:
    """Load everything that landed."""
    settings = load_settings()
    dbt = Dbt(settings)
    models = Models(dbt)
    began = time.process_time()
    compute = "staged" not in sys.argv[2:]
    report = load(settings, dbt, lambda line: print(line, flush=True), compute=compute)
    print(report)
    found = {
        "load_cpu": round(time.process_time() - began, 3),
        "models": models.taken(),
        "lines": report.lines,
        "loaded": report.loaded,
        "duplicates": report.duplicates,
    }
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1))
    return 1 if report.unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
