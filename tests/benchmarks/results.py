"""The rows of a run: as a table, as JSON, and beside the run that was stored before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
REGRESSION = 0.3
"""By how much a row's ratio may grow before it is pointed out."""


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    what: str
    cpu: float
    """Seconds, user + system, of the whole process tree."""
    wall: float
    """Seconds; says little on a machine that is busy with other things."""
    peak: int | None = None
    """Bytes resident at once."""
    ratio: float | None = None
    """CPU ÷ the floor's CPU in the same run: the figure that carries over to other machines."""
    note: str = ""
    models: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds by dbt model, dearest first."""


@dataclass(frozen=True)
class Run:
    """Everything that one run found."""

    size: str
    date: str
    machine: Mapping[str, Any]
    rows: Sequence[Row]
    skipped: Mapping[str, str]
    """Row → why it could not be measured here."""
    accuracy: Mapping[str, Any]
    storage: Mapping[str, float]
    """Bytes per view of the fact."""

    def row(self, name: str) -> Row | None:
        """The row of that name."""
        return next((row for row in self.rows if row.name == name), None)


def path_of(size: str, date: str, folder: Path = RESULTS) -> Path:
    """Where a run is stored: the real day by its date alone."""
    return folder / f"{date}{'' if size == 'day' else '-' + size}.json"


def store(run: Run, path: Path) -> None:
    """Write the run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(run), indent=1) + "\n")


def newest(size: str, folder: Path = RESULTS) -> Run | None:
    """The stored run of this size with the latest date."""
    ending = ".json" if size == "day" else f"-{size}.json"
    dates = sorted(
        path.name.removesuffix(ending)
        for path in folder.glob(f"*{ending}")
        if path.name.count("-") == 2 + (size != "day")
    )
    return _read(folder / f"{dates[-1]}{ending}") if dates else None


def _read(path: Path) -> Run:
    stored = json.loads(path.read_text())
    return Run(**{**stored, "rows": [Row(**row) for row in stored["rows"]]})


def change(row: Row, before: Run | None) -> float | None:
    """By how much the row's ratio has grown since (0.3 = 30 %); None where one of them has none."""
    old = before.row(row.name) if before else None
    if old is None or not old.ratio or row.ratio is None:
        return None
    return row.ratio / old.ratio - 1


def regressions(run: Run, before: Run | None) -> list[str]:
    """A sentence for each row whose ratio has grown by 30 % or more."""
    return [
        f"{row.name}: {row.ratio:.2f} × the floor, {grown:+.0%} since {before.date}"
        for row in run.rows
        if before and (grown := change(row, before)) is not None and grown >= REGRESSION
    ]


def table(run: Run, before: Run | None) -> list[list[str]]:
    """The rows as texts, header first."""
    since = f"since {before.date}" if before else "since"
    lines = [["row", "CPU s", "÷ floor", since, "wall s", "peak MB", "what"]]
    for row in run.rows:
        grown = change(row, before)
        mark = " !" if grown is not None and grown >= REGRESSION else ""
        lines.append(
            [
                row.name,
                f"{row.cpu:,.2f}" if row.cpu < 10 else f"{row.cpu:,.1f}",
                "" if row.ratio is None else f"{row.ratio:.2f}",
                "" if grown is None else f"{grown:+.0%}{mark}",
                f"{row.wall:,.1f}",
                "" if row.peak is None else f"{row.peak / 1e6:,.0f}",
                f"{row.what}; {row.note}" if row.note else row.what,
            ]
        )
    return lines


def as_text(lines: Sequence[Sequence[str]]) -> str:
    """A table for a terminal: the first and the last column to the left, numbers to the right."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k in (0, len(widths) - 1) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_markdown(lines: Sequence[Sequence[str]]) -> str:
    """The same as Markdown."""
    bars = [f"| {' | '.join(line)} |" for line in lines]
    rule = "|---|" + "---:|" * (len(lines[0]) - 2) + "---|"
    return "\n".join([bars[0], rule, *bars[1:]])
