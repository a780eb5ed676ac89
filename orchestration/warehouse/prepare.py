"""The warehouse's own life: made on first use, guarded against other settings."""

from ingestion.settings import Settings
from orchestration.warehouse.attach import ALIAS, refuse_other_setting, settings_table_in
from orchestration.warehouse.dbt_runner import Dbt

CATALOG = f"__ducklake_metadata_{ALIAS}"


def prepare(settings: Settings, dbt: Dbt) -> None:
    """Make the warehouse where there is none, and refuse settings that it was not built with."""
    dbt.connection()  # a target without a DuckLake is refused before anything is made
    if not dbt.query(settings_table_in(CATALOG)):
        dbt.run("seed")
        dbt.run("run-operation", "init_warehouse")
    for name, value in dbt.query("select setting_name, setting_value from twist.audit.settings"):
        refuse_other_setting(settings, name, value)
    _give_statistics_to_empty_tables(dbt)


def _give_statistics_to_empty_tables(dbt: Dbt) -> None:
    """DuckLake looks for the statistics of a table that never held a row at every mention of it.

    That is 25-100 ms each time, more than most models take. A row that is written and deleted in
    one transaction, so that nobody sees it, leaves statistics behind.
    """
    without = dbt.query(
        f"""
        select schema_name, table_name, column_name
        from {CATALOG}.ducklake_table
        join {CATALOG}.ducklake_schema using (schema_id)
        join {CATALOG}.ducklake_column using (table_id)
        where ducklake_table.end_snapshot is null and ducklake_column.end_snapshot is null
            and column_order = 1
            and table_id not in (select table_id from {CATALOG}.ducklake_table_stats)
        """
    )
    if without:
        rows = (
            f"insert into {ALIAS}.{schema}.{table} ({column}) values (null); "
            f"delete from {ALIAS}.{schema}.{table} where {column} is null; "
            for schema, table, column in without
        )
        dbt.query(f"begin; {''.join(rows)} commit")
