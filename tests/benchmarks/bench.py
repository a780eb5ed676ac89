"""One run of the benchmark: each row a process of its own, measured from outside."""

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingestion.settings import ROOT, Settings
from orchestration.warehouse.dbt_runner import environment
from tests.benchmarks import data, equality, judged
from tests.benchmarks.measured import CommandFailed, Usage, measure
from tests.benchmarks.results import Row
from tests.benchmarks.sizes import DAY, Size

ROWS = (
    "floor", "wide", "ours", "hand", "spark", "memory", "object", "steps", "accuracy", "storage",
    "live",
)  # fmt: skip
NEEDS = {
    "wide": {"floor"},
    "accuracy": {"ours"},
    "storage": {"ours", "steps"},
    "hand": {"ours"},
    "spark": {"ours"},
}
"""What a row reads that another one makes."""
SPARK_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
KINDS = {
    "5min": "a 5-minute step of the evening",
    "1min": "a 1-minute step",
    "idle": "a cycle that finds nothing",
    "midnight": "the first cycle after midnight",
}


class NotEqual(Exception):
    """Two engines, or two loads, differ: their cost cannot be compared."""


def say(line: str) -> None:
    """Progress goes to stderr, the report to stdout."""
    print(line, file=sys.stderr, flush=True)


@dataclass
class Bench:
    """One run."""

    size: Size
    root: Path
    """Where input, warehouses and logs lie; input is kept."""
    rows: list[Row] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    accuracy: dict[str, Any] = field(default_factory=dict)
    storage: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.out = self.root / self.size.name / "out"
        self.landing = self.root / self.size.name / "day" / "landing"

    def measure_all(self, wanted: set[str]) -> None:
        """Measure the rows in the order of `ROWS`; the input is made first.

        Raises:
            NotEqual: an alternative's marts are not ours.
            CommandFailed: the floor could not be measured; another row that fails is named in
                `failed`, with the reason in `skipped`, and so are the rows that need it.
        """
        wanted = wanted.union(*(NEEDS.get(name, set()) for name in wanted))
        data.day_landing(self.size, self.root, say)
        for name in [row for row in ROWS if row in wanted]:
            missing = NEEDS.get(name, set()).intersection(self.failed)
            if missing:
                self.skipped[name] = f"needs {', '.join(sorted(missing))}"
            else:
                say(f"{name} …")
                try:
                    getattr(self, f"measure_{name}")()
                except CommandFailed as error:
                    if name == "floor":
                        raise
                    # An hour of other rows must not be lost with one.
                    self.failed.append(name)
                    self.skipped[name] = str(error)
                    say(f"  {error}")

    def measure_floor(self) -> None:
        """The least of a few runs: every ratio has it below the line."""
        usages = [
            self._run("floor", "-m", "tests.benchmarks.floor", str(self.landing))
            for _ in range(self.size.floor_runs)
        ]
        self._add("floor", "decode every landed byte once", min(usages, key=lambda u: u.cpu))

    def measure_wide(self) -> None:
        """The plain day and the wide one, without the marts: in turn, and the least of each."""
        wide = data.wide_landing(self.size, self.root, say)
        floors: list[Usage] = []
        loads: dict[str, list[tuple[Usage, dict[str, Any]]]] = {"ours_staged": [], "ours_wide": []}
        for _ in range(self.size.floor_runs):
            floors.append(self._run("floor_wide", "-m", "tests.benchmarks.floor", str(wide)))
            for name, landing in (("ours_staged", self.landing), ("ours_wide", wide)):
                loads[name].append(self._loaded(name, "staged", landing=landing))
                shutil.rmtree(self._settings(name).warehouse_root)
        (staged, of_staged), (widened, of_wide) = (
            min(each, key=lambda run: run[0].cpu) for each in loads.values()
        )
        counts = ("lines", "loaded", "duplicates")
        if changed := [name for name in counts if of_staged[name] != of_wide[name]]:
            raise NotEqual(f"ignored fields change the {', '.join(changed)} of a load")
        floor = min(floors, key=lambda u: u.cpu)
        self._add("floor_wide", "the same, five ignored fields on each clickstream line", floor)
        plain = self._add("ours_staged", "make load without the marts: load, staging, audit",
                          staged, f"{of_staged['lines']:,} lines", of_staged["models"])  # fmt: skip
        quotient = widened.cpu / floor.cpu / plain.ratio if plain.ratio else 0
        self._add("ours_wide", "the same with five ignored fields, ÷ floor_wide", widened,
                  f"{quotient:.2f} times ours_staged", of_wide["models"], "floor_wide")  # fmt: skip

    def measure_object(self) -> None:
        """One very large object, at the default memory limit."""
        landing = data.object_landing(self.size, self.root, say)
        self._load("ours_object", "make load of one large clickstream object", landing=landing)
        shutil.rmtree(self._settings("ours_object").warehouse_root)

    def measure_ours(self) -> None:
        """`make load`, from landed files to every table."""
        self._load("ours", "make load: from landed files to every table")

    def measure_memory(self) -> None:
        """The same under less memory."""
        for limit in self.size.memory_limits:
            self._load(f"ours_{limit}", f"the same, TWIST_MEMORY_LIMIT={limit}", memory_limit=limit)
            shutil.rmtree(self._settings(f"ours_{limit}").warehouse_root)

    def measure_hand(self) -> None:
        """One script in DuckDB."""
        usage = self._run(
            "hand", "-m", "tests.benchmarks.by_hand", str(self.landing), self._out("hand")
        )
        self._check_equality("hand")
        self._add("hand", "DuckDB by hand: one script, the marts of this day alone", usage)

    def measure_spark(self) -> None:
        """The classic daily job."""
        if not SPARK_PYTHON.exists() or not shutil.which("java"):
            self.skipped["spark"] = "needs Java 17 and .venv-bench (make bench makes it)"
            return
        script = str(Path(__file__).with_name("spark.py"))
        usage = self._run(
            "spark", script, str(self.landing), self._out("spark"), python=str(SPARK_PYTHON)
        )
        self._check_equality("spark")
        self._add("spark", "PySpark: the same marts, all cores, one JVM", usage)

    def measure_steps(self) -> None:
        """Cycles in a warm process, with little and with much history behind them."""
        whole = data.whole_landing(self.size, self.root, say)
        for days in self.size.days_behind:
            say(f"  {days} days behind …")
            settings = self._settings(f"behind_{days}d", landing=self.out / "behind")
            shutil.rmtree(settings.warehouse_root, ignore_errors=True)
            data.lay_behind(whole, Path(settings.landing_root), days)
            self._run(f"behind_{days}d", "-m", "tests.benchmarks.ours", self._out("behind.json"),
                      settings=settings)  # fmt: skip
            usage = self._run(f"steps_{days}d", "-m", "tests.benchmarks.steps", self.size.name,
                              str(whole), self._out("steps.json"), settings=settings)  # fmt: skip
            for kind, found in json.loads((self.out / "steps.json").read_text()).items():
                self._add(
                    f"{kind}_{days}d",
                    f"{KINDS[kind]}, {days} days behind",
                    Usage(found["cpu"], found["wall"], usage.peak),
                    f"{found['lines']:,} lines" if found["lines"] else "",
                    found["models"],
                )
            if days != self.size.days_behind[-1]:  # the last one goes to the history lake
                shutil.rmtree(settings.warehouse_root)

    def measure_live(self) -> None:
        """Through Kafka, Connect and S3, where they are."""
        from tests.streaming import services

        if reason := services.missing_for_sink():
            self.skipped["live"] = reason
            return
        if not self.size.live_rates:
            self.skipped["live"] = "too long for this size: make bench SIZE=day ROWS=live"
            return
        for rate in self.size.live_rates:
            usage = self._run(f"live_{rate}", "-m", "tests.benchmarks.live", str(rate),
                              str(self.size.live_seconds), self._out("live.json"))  # fmt: skip
            found = json.loads((self.out / "live.json").read_text())
            note = (
                f"event to fact p50 {found['p50']} s, p95 {found['p95']} s, max {found['worst']} s"
            )
            self.rows.append(
                Row(f"live_{rate}", f"{rate} events/s through Kafka, Connect, S3 and loads",
                    usage.cpu, usage.wall, usage.peak, None, note)
            )  # fmt: skip

    def measure_accuracy(self) -> None:
        """How wrong the usual way is."""
        self.accuracy = judged.accuracy(self._settings("ours"), DAY.date())

    def measure_storage(self) -> None:
        """How many bytes a view takes, and where."""
        past = self._settings(f"behind_{self.size.days_behind[-1]}d", landing=self.out / "behind")
        closed = (DAY - timedelta(days=self.size.days_behind[-1] - 1)).date()
        self.storage = judged.storage(self._settings("ours"), past, closed)

    def _check_equality(self, name: str) -> None:
        found = equality.differences(self._settings("ours"), self.out / name)
        if any(found.values()):
            raise NotEqual(f"{name} and ours differ in so many rows: {found}")

    def _load(self, name: str, what: str, **overrides: Any) -> None:
        usage, found = self._loaded(name, **overrides)
        self._add(name, what, usage, f"{found['lines']:,} lines", found["models"])

    def _loaded(self, name: str, *arguments: str, **overrides: Any) -> tuple[Usage, dict[str, Any]]:
        """What a load into a new warehouse of that name costs, and what it says of itself."""
        settings = self._settings(name, **overrides)
        shutil.rmtree(settings.warehouse_root, ignore_errors=True)
        usage = self._run(name, "-m", "tests.benchmarks.ours", self._out(f"{name}.json"),
                          *arguments, settings=settings)  # fmt: skip
        return usage, json.loads((self.out / f"{name}.json").read_text())

    def _run(
        self,
        log: str,
        *arguments: str,
        settings: Settings | None = None,
        python: str = sys.executable,
    ) -> Usage:
        """What a Python process of its own costs; it sees our settings and no one else's."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
        env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        if settings:
            env |= environment(settings) | {"TWIST_MEMORY_LIMIT": settings.memory_limit}
        return measure([python, *arguments], env, self.out / f"{log}.log")

    def _add(
        self,
        name: str,
        what: str,
        usage: Usage,
        note: str = "",
        models: Any = None,
        floor_name: str = "floor",
    ) -> Row:
        floor = next((row.cpu for row in self.rows if row.name == floor_name), None)
        floor = usage.cpu if name == "floor" else floor
        ratio = round(usage.cpu / floor, 4) if floor else None
        cpu, wall = round(usage.cpu, 3), round(usage.wall, 2)
        row = Row(name, what, cpu, wall, usage.peak, ratio, note, models or {})
        self.rows.append(row)
        say(f"  {name}: {cpu:,.1f} CPU s, {wall:,.0f} s")
        return row

    def _settings(self, name: str, **overrides: Any) -> Settings:
        """The settings of a warehouse of that name."""
        fields = {"landing": self.landing, **overrides}
        return Settings(
            _env_file=None,
            target="embedded",
            warehouse=str(self.out / name),
            history=str(self.out / "history"),
            **{key: str(value) for key, value in fields.items()},  # type: ignore[arg-type]
        )

    def _out(self, name: str) -> str:
        return str(self.out / name)
