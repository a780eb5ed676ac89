"""A run in words and tables: the targets, the models, accuracy and storage."""

from collections.abc import Callable, Sequence

from tests.benchmarks.results import Row, Run, as_markdown, as_text, regressions, table

Render = Callable[[Sequence[Sequence[str]]], str]
MOST_MODELS = 12


def targets(run: Run) -> list[list[str]]:
    """What is asked of a day, and what was found; rows that were not measured are left out."""

    def cpu(name: str) -> float | None:
        row = run.row(name)
        return row.cpu if row else None

    def over(name: str, other: str) -> float | None:
        above, below = cpu(name), cpu(other)
        return above / below if above is not None and below else None

    def ratio(name: str) -> float | None:
        row = run.row(name)
        return row.ratio if row else None

    def peak(name: str) -> float | None:
        row = run.row(name)
        return row.peak / 1e9 if row and row.peak else None

    staged, wide = ratio("ours_staged"), ratio("ours_wide")
    wanted: list[tuple[str, float | None, str, float, float | None]] = [
        ("a day: CPU ÷ floor", ratio("ours"), "at most", 6, 4.5),
        ("load, staging and audit: CPU ÷ floor", staged, "at most", 4.2, 3),
        ("the same with ignored fields, ÷ its floor, ÷ the plain day's",
         wide / staged if wide and staged else None, "at most", 1.2, 1),
        ("the day in PySpark: its CPU ÷ ours", over("spark", "ours"), "at least", 3, 4),
        ("peak memory of the day, GB", peak("ours"), "at most", 3, 2),
        ("peak memory of one object, 2 million lines, GB", peak("ours_object"), "at most", 3, None),
        ("a 1-minute step: CPU ÷ floor", ratio("1min_2d"), "at most", 0.16, 0.1),
        ("a 5-minute step: CPU ÷ floor", ratio("5min_2d"), "at most", 0.2, 0.13),
        ("the same, 30 days behind ÷ 2", over("5min_30d", "5min_2d"), "at most", 1.1, 1),
        ("an idle cycle, CPU s", cpu("idle_2d"), "at most", 0.2, 0.1),
    ]  # fmt: skip
    lines = [["target", "found", "asked", "dreamt of", "met"]]
    for name, found, bound, target, moonshot in wanted:
        if found is None:
            continue
        met, dreamt = (
            each is not None and (found <= each if bound == "at most" else found >= each)
            for each in (target, moonshot)
        )
        verdict = "yes, and the dream" if dreamt else "yes" if met else "no"
        dream = "" if moonshot is None else f"{moonshot:g}"
        lines.append([name, f"{found:.2f}", f"{bound} {target:g}", dream, verdict])
    return lines


def models(rows: Sequence[Row], most: int = MOST_MODELS) -> list[list[str]]:
    """CPU seconds by model, the dearest of the first row first; a column for each row."""
    names = list(dict.fromkeys(name for row in rows for name in row.models))[:most]
    lines = [["CPU s by model", *(row.name for row in rows)]]
    for name in names:
        lines.append([name, *(f"{row.models.get(name, 0):.2f}" for row in rows)])
    rest = [row.cpu - sum(row.models.get(name, 0) for name in names) for row in rows]
    lines.append(["other models, dbt, start", *(f"{each:.2f}" for each in rest)])
    return [[*line, ""] for line in lines]


def accuracy(run: Run) -> list[list[str]]:
    """TWIST of the day, exactly and by its last stock."""
    lines = [["channel", "TWIST, as-of", "by end-of-day stock", "points off"]]
    for each in run.accuracy.get("channels", []):
        exact, usual = each["exact"], each["usual"]
        lines.append([each["channel"], f"{exact:.2f}", f"{usual:.2f}", f"{usual - exact:+.2f}"])
    return lines


def describe(run: Run, before: Run | None, *, markdown: bool = False) -> str:
    """The whole report."""
    render: Render = as_markdown if markdown else as_text
    head = "## " if markdown else ""
    parts = [
        f"{head}{run.size}, {run.date}: {run.machine['cpu']}, {run.machine['cores']} cores, load "
        f"{run.machine['load_before']:.1f} to {run.machine['load_after']:.1f}",
        render(table(run, before)),
    ]
    if run.size == "day" and len(found := targets(run)) > 1:
        parts += [f"{head}Targets", render(found)]
    loads = [row for row in run.rows if row.name.startswith("ours")]
    if loads:
        loads.sort(key=lambda row: row.name)
        parts += [f"{head}Loads by model", render(models(loads))]
    if steps := [row for row in run.rows if row.models and not row.name.startswith("ours")]:
        parts += [f"{head}The steps by model", render(models(steps))]
    if run.accuracy:
        parts += [
            f"{head}What the usual way gets wrong",
            render(accuracy(run)),
            f"{run.accuracy['off_style_hours']:.1%} of {run.accuracy['style_hours']:,} style-hours "
            f"({run.accuracy['off_views']:.1%} of their views) are off by more than 5 points.",
        ]
    if run.storage:
        stored = [[name, f"{each:,.1f}"] for name, each in run.storage.items()]
        parts += [f"{head}Bytes per view", render([["of", "bytes"], *stored])]
    parts += [f"not measured: {name}: {why}" for name, why in run.skipped.items()]
    if found_slower := regressions(run, before):
        parts += ["! slower by 30 % or more:", *found_slower]
    return "\n\n".join(parts)
