"""What dbt's commands did: the result of each model and test, the rows that failed, table sizes."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from ingestion.settings import Settings
from orchestration.monitoring import check_results
from orchestration.shown import visible
from orchestration.warehouse.dbt_runner import PROJECT, Dbt, DbtFailed, sentence
from orchestration.warehouse.engines import engine_of

SHOWN_ROWS = 20
"""Rows of a failed test that are shown beside it."""


@dataclass(frozen=True)
class NodeRun:
    """What dbt did with a model or a test; `seconds` are summed over the batches of a load."""

    unique_id: str
    status: str
    seconds: float
    failures: int
    message: str
    sql: str


@dataclass
class Recorder:
    """Collects the results of dbt commands: `Dbt(settings, on_result=recorder)`."""

    nodes: dict[str, NodeRun] = field(default_factory=dict)
    progress: Callable[[], None] = lambda: None

    def __call__(self, result: Any) -> None:
        """Note one node's result; of a node that ran again, the last status counts."""
        self.progress()
        if getattr(result, "node", None) is None or result.node.resource_type == "operation":
            return
        unique_id = result.node.unique_id
        before = self.nodes.get(unique_id)
        self.nodes[unique_id] = NodeRun(
            unique_id,
            str(result.status),
            result.execution_time + (before.seconds if before else 0.0),
            result.failures or 0,
            sentence(result.message),
            getattr(result.node, "compiled_code", None) or "",
        )

    def taken(self) -> dict[str, NodeRun]:
        """What was collected since the last call, by unique id."""
        taken, self.nodes = self.nodes, {}
        return taken


@dataclass(frozen=True)
class TableSize:
    """Rows of a table, and bytes and number of its Parquet files (None: it is in memory)."""

    rows: int
    bytes: int | None = None
    files: int | None = None


def run_tests(dbt: Dbt, recorder: Recorder, names: Iterable[str] = ()) -> dict[str, NodeRun]:
    """Run dbt tests (all if none is named); a failed one is a result, a broken one an error.

    Raises:
        DbtFailed: a test could not be run; that is not a failure of the data.
    """
    recorder.taken()
    try:
        dbt.run("test", *(("--select", *names) if names else ()))
    except DbtFailed:
        ran = recorder.taken()
        broken = [test for test in ran.values() if test.status not in ("pass", "warn", "fail")]
        if broken or not ran:
            raise
    else:
        ran = recorder.taken()
    check_results.record(dbt.settings, map(_as_check, ran.values()))
    return ran


def _as_check(test: NodeRun) -> check_results.Check:
    status: dict[str, check_results.Status] = {"pass": "passed", "warn": "warned"}
    name = test.unique_id.split(".")[2]
    sentence = "" if test.status == "pass" else test.message
    return check_results.Check("dbt", name, status.get(test.status, "failed"), sentence)


def failed_rows(settings: Settings, test: NodeRun) -> str:
    """The first rows that a failed test returned, as a Markdown table."""
    with engine_of(settings).reader() as query:
        answer = query(test.sql, SHOWN_ROWS)
    return markdown(answer.columns, answer.rows)


def markdown(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; texts are code, so that no link, image or HTML in them is one.

    Columns of persons are left out: Dagster keeps what it is shown.
    """
    shown = [place for place, name in enumerate(names) if name.lower() not in personal_columns()]
    head, *body = ([_cell(line[place]) for place in shown] for line in (names, *rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(shown), *body))


@cache
def personal_columns() -> frozenset[str]:
    """The names of all columns whose YAML says that they hold a person (`meta.personal_data`)."""
    files = [yaml.safe_load(path.read_text()) for path in PROJECT.glob("models/**/*.yml")]
    return frozenset(
        column["name"]
        for content in files
        for model in content.get("models") or ()
        for column in model.get("columns") or ()
        if "personal_data" in column.get("config", {}).get("meta", {})
    )


def _cell(value: Any) -> str:
    text = "" if value is None else visible(str(value))[:200]
    if re.fullmatch(r"\w*|[0-9 .,:+-]*", text):
        return text
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence, text = "`" * (longest + 1), text.replace("|", "\\|")
    return f"{fence} {text} {fence}" if longest else f"{fence}{text}{fence}"


def table_sizes(dbt: Dbt, tables: list[tuple[str, str]]) -> dict[tuple[str, str], TableSize]:
    """Sizes of (schema, table) pairs; those that are not tables of the warehouse are left out."""
    engine = engine_of(dbt.settings)
    stored = engine.tables(dbt)
    wanted = [table for table in tables if table in stored]
    if not wanted:
        return {}
    counts = dbt.query(
        " union all ".join(
            f"select cast({number} as integer) as nth, cast(count(*) as bigint) as row_count "
            f"from {engine.relation(*table)}"
            for number, table in enumerate(wanted)
        )
    )
    return {
        wanted[number]: TableSize(int(rows), *stored[wanted[number]]) for number, rows in counts
    }
