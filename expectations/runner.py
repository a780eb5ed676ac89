"""Suites as YAML, and their validation by Great Expectations, which is imported only to validate.

GX reads a pandas frame: its DuckDB dialects fail on every metric (1.24), so the newest slice of a
table is read with DuckDB or the Teradata driver first. The slice is bounded in time and rows: what
must hold for every row ever published is a dbt test.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from ingestion.settings import TwistError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

SUITES = Path(__file__).parent / "suites"
MOST_ROWS = 100_000
SHOWN_ROWS = 20


class SuiteError(TwistError):
    """A suite is wrong, not the data; the message names file, expectation and cause."""


@dataclass(frozen=True)
class Expectation:
    """One line of a suite: `type` and `kwargs` are Great Expectations' own."""

    name: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Literal["critical", "warning"]
    why: str


@dataclass(frozen=True)
class Suite:
    """Expectations of the newest `hours` of `asset` (schema/table), by its column `newest`."""

    name: str
    asset: str
    newest: str
    hours: int
    expectations: tuple[Expectation, ...]
    judged_from: int = 50
    """Fewer rows are not validated: a quiet night is not a fault, and freshness has checks."""
    where: str = "1 = 1"
    columns: Mapping[str, str] | None = None
    """Columns to compute: name → SQL."""

    def sql(self, table: str) -> str:
        """The slice of `table`: the last hours up to the newest row, at most MOST_ROWS of them."""
        extra = "".join(f", {sql} as {name}" for name, sql in (self.columns or {}).items())
        return (
            f"select checked.*{extra} from {table} as checked "
            f"where {self.where} and {self.newest} > "
            f"(select max({self.newest}) from {table}) - interval '{self.hours}' hour "
            f"qualify row_number() over (order by {self.newest} desc nulls last) <= {MOST_ROWS}"
        )


@dataclass(frozen=True)
class Outcome:
    """Result of an expectation: `failed_rows` hold at most SHOWN_ROWS, with their columns."""

    passed: bool
    rows: int
    unexpected: int | None = None
    unexpected_percent: float | None = None
    observed: str = ""
    failed_columns: tuple[str, ...] = ()
    failed_rows: tuple[tuple[Any, ...], ...] = ()

    @property
    def found(self) -> str:
        """What was found, as text."""
        return self.observed or f"{self.unexpected or 0:,} of {self.rows:,} rows"


def read_suites(folder: Path = SUITES) -> list[Suite]:
    """Every suite of a folder.

    Raises:
        SuiteError: a file lacks something, names something unknown, or has a name twice.
    """
    return [_suite(path) for path in sorted(folder.glob("*.yaml"))]


def _suite(path: Path) -> Suite:
    try:
        content = yaml.safe_load(path.read_text())
        lines = tuple(Expectation(**line) for line in content.pop("expectations"))
        suite = Suite(name=path.stem, expectations=lines, **content)
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise SuiteError(f"{path.name} is no suite: {error}; see expectations/README.md") from None
    names = [line.name for line in lines]
    if len(set(names)) < len(names):
        raise SuiteError(f"{path.name}: an expectation's name occurs twice")
    for line in lines:
        if line.severity not in ("critical", "warning"):
            raise SuiteError(
                f"{path.name}: {line.name} is {line.severity}, not critical or warning"
            )
    return suite


def read_slice(
    ask: Callable[[str], tuple[Sequence[str], Sequence[Sequence[Any]]]], suite: Suite, table: str
) -> "pd.DataFrame":
    """The suite's slice of `table` as a frame; decimals as floats: GX takes minutes on them.

    `ask` runs a query, in SQL that both engines support, and returns column names and rows.
    """
    import pandas as pd

    columns, rows = ask(suite.sql(table))
    return pd.DataFrame.from_records(rows, columns=columns, coerce_float=True)


def warm_up() -> Any:
    """Import Great Expectations, which takes ten seconds, without its telemetry."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    return great_expectations


def validate(
    suite: Suite, frame: "pd.DataFrame", wanted: Iterable[str] | None = None
) -> dict[str, Outcome]:
    """Validate a frame; outcomes by expectation name, of all expectations or the `wanted` ones.

    Raises:
        SuiteError: an expectation could not be computed; that is not a failure of the data.
    """
    names = {line.name for line in suite.expectations} if wanted is None else set(wanted)
    if len(frame) < suite.judged_from:
        too_few = f"{len(frame)} rows are too few to validate"
        return {name: Outcome(passed=True, rows=len(frame), observed=too_few) for name in names}
    gx = warm_up()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas(suite.name)
        .add_dataframe_asset(suite.name)
        .add_batch_definition_whole_dataframe("newest")
        .get_batch({"dataframe": frame})
    )
    return {
        line.name: _outcome(suite, line, batch, frame, gx)
        for line in suite.expectations
        if line.name in names
    }


def _outcome(
    suite: Suite, line: Expectation, batch: Any, frame: "pd.DataFrame", gx: Any
) -> Outcome:
    try:
        expectation = getattr(gx.expectations, line.type)(**line.kwargs)
        result = batch.validate(
            expectation,
            result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
        )
    except Exception as error:  # whatever GX raises is about the suite: the data was read before
        raise SuiteError(
            f"{suite.name}.yaml: {line.name} cannot be computed: {type(error).__name__}: {error}"
        ) from None
    info = result.exception_info or {}
    entries = [info, *(entry for entry in info.values() if isinstance(entry, dict))]
    raised = [entry["exception_message"] for entry in entries if entry.get("raised_exception")]
    if raised:
        raise SuiteError(f"{suite.name}.yaml: {line.name} cannot be computed: {raised[0]}")
    found = result.result
    failed = frame.loc[(found.get("unexpected_index_list") or [])[:SHOWN_ROWS]]
    return Outcome(
        bool(result.success),
        len(frame),
        found.get("unexpected_count"),
        found.get("unexpected_percent"),
        str(found.get("observed_value", "")),
        tuple(failed.columns),
        tuple(failed.itertuples(index=False, name=None)),
    )
