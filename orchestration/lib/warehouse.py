"""The warehouse's own life: made on first use, guarded against other settings."""

from ingestion.settings import Settings
from ingestion.warehouse import has_tables, refuse_other_setting
from orchestration.lib.dbt import Dbt


def prepare(settings: Settings, dbt: Dbt) -> None:
    """Make the warehouse where there is none, and refuse settings that it was not built with."""
    if not has_tables(settings):
        dbt.run("run-operation", "init_warehouse")
        dbt.run("seed")
    for name, value in dbt.query("select setting_name, setting_value from twist.audit.settings"):
        refuse_other_setting(settings, name, value)
