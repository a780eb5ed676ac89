"""Imported by the process that warm commands are forked from: dbt, parsed once."""

from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt

RUNNER = Dbt(Settings())._warm_runner()
