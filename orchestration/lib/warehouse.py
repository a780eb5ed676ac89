"""The warehouse's own life: made on first use, guarded against other settings."""

from ingestion.settings import Settings, SettingsError
from orchestration.lib.dbt import Dbt

REMEMBERED = ("late_days", "bot_patterns", "min_sellable_qty")


def exists(dbt: Dbt) -> bool:
    """Whether the tables that must be there before a first load are there."""
    return bool(
        dbt.query(
            "select count(*) from duckdb_tables() where database_name = 'twist' "
            "and schema_name = 'audit' and table_name = 'settings'"
        )[0][0]
    )


def prepare(settings: Settings, dbt: Dbt) -> None:
    """Make the warehouse where there is none, and refuse settings that it was not built with."""
    if not exists(dbt):
        dbt.run("run-operation", "init_warehouse")
        dbt.run("seed")
    kept = dict(dbt.query("select setting_name, setting_value from twist.audit.settings"))
    for name in REMEMBERED:
        wanted = str(getattr(settings, name))
        if kept.get(name, wanted) != wanted:
            raise SettingsError(
                f"the warehouse was built with {name} = {kept[name]}, the setting now says "
                f"{wanted}: run `make rebuild` to apply it, or set TWIST_{name.upper()} back"
            )
