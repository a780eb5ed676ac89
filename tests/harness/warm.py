"""dbt, parsed once in a process for each target: a parse takes seconds."""

from functools import cache
from typing import Any

from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt


@cache
def warm_runner(target: str = "embedded") -> Any:
    """The runner for `Dbt(settings, runner=…)`."""
    return Dbt(Settings(_env_file=None, target=target)).warm_up()
