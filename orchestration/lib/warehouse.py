"""The warehouse's own life: made on first use, guarded against other settings."""

from ingestion.settings import Settings
from ingestion.warehouse import has_tables, refuse_other_setting
from orchestration.lib.dbt import Dbt

REMEMBERED = ("late_days", "bot_patterns", "min_sellable_qty")


def prepare(settings: Settings, dbt: Dbt) -> None:
    """Make the warehouse where there is none, and refuse settings that it was not built with."""
    if not has_tables(settings):
        dbt.run("seed")
        dbt.run("run-operation", "init_warehouse")
    built_with = _built_with(dbt)
    if len(built_with) < len(REMEMBERED):  # killed while it was made: the settings come last
        dbt.run("run-operation", "init_warehouse")
        built_with = _built_with(dbt)
    for name, value in built_with:
        refuse_other_setting(settings, name, value)


def _built_with(dbt: Dbt) -> list[tuple[str, str]]:
    return dbt.query("select setting_name, setting_value from twist.audit.settings")
