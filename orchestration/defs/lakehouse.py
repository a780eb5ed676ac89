"""The resource behind every asset: the settings, and dbt on their warehouse."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from ingestion.settings import Settings, load_settings
from orchestration.warehouse.dbt_runner import Dbt

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
