"""The resource behind every asset: the settings, and dbt on their warehouse."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import dagster as dg

from ingestion.settings import Settings, load_settings
from orchestration.monitoring.heartbeat import beating, in_progress
from orchestration.warehouse.attach import has_warehouse
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.run_results import Recorder
from orchestration.warehouse.write_queue import turn

WRITERS = "warehouse_writer"
"""The pool of the runs that write, one at a time (docker/dagster/dagster.yaml). Live mode, which
loops, is not in it: it shares the writer lock through a queue (warehouse/write_queue.py)."""


class Lakehouse(dg.ConfigurableResource):  # type: ignore[type-arg]  # mypy: resources are generic
    """Landing lake, warehouse and history lake of the settings (environment, `.env`, defaults)."""

    overrides: dict[str, str] = {}  # noqa: RUF012  # pydantic copies it
    """Settings that beat the environment, such as {"warehouse": "/data/warehouse"}."""

    def settings(self) -> Settings:
        """The settings, read now."""
        return load_settings(**self.overrides)

    def dbt(self, on_result: Callable[[Any], None] = lambda _: None) -> Dbt:
        """A dbt of this process; the first command parses the project."""
        return Dbt(self.settings(), on_result=on_result)

    @contextmanager
    def writing(self, context: Any) -> Iterator[tuple[Dbt, Recorder]]:
        """A dbt that holds the writer lock, and its results, which are the run's heartbeat too."""
        recorder = Recorder()
        with (
            beating(context) as recorder.progress,
            turn(self.settings().warehouse_root, say=context.log.info),
            closing(self.dbt(recorder)) as dbt,
        ):
            yield dbt, recorder


def unless(
    context: dg.ScheduleEvaluationContext, settings: Settings, *jobs: str
) -> dg.RunRequest | dg.SkipReason:
    """A scheduled run, unless there is no warehouse yet or one of these jobs is running."""
    if not has_warehouse(settings):
        return dg.SkipReason("there is no warehouse yet")
    if running := [job for job in jobs if in_progress(context.instance, job)]:
        return dg.SkipReason(f"{running[0]} is running")
    return dg.RunRequest()
