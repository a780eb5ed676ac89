"""Whether two engines made the same marts: every row, every column, exactly."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ingestion.extensions import quoted
from ingestion.settings import Settings
from orchestration.warehouse.engines import open_reader

KEYS: Mapping[str, Sequence[str]] = {
    "fct_twist": ("view_date", "view_id"),
    "fct_twist_hourly": ("view_hour", "style_id", "sku_id", "channel"),
    "fct_lost_demand_hourly": ("view_hour", "style_id", "sku_id"),
    "twist_daily": ("business_date", "brand", "department", "category", "channel"),
    "dim_sku": ("sku_id",),
    "dim_location": ("location_id",),
}
"""The marts that are compared, and their keys. `stock_daily` has no rows on the first day."""
OURS_ALONE = {
    "fct_twist": ("load_id", "state_from", "store_share"),  # state_from is not canonical
    "dim_location": ("load_id", "location_name", "location_type", "city", "country"),
}
"""Columns that only ours has: stamps, and what comes from the seed, and what pickup met."""
ZERO_ROWS = {
    "fct_twist_hourly": "views > 0",
    "fct_lost_demand_hourly": "lost_views > 0",
    "twist_daily": "views > 0",
}
"""Which rows count where rows with zero measures may exist."""


def differences(settings: Settings, theirs: Path) -> dict[str, int]:
    """How many rows of each mart are not in both, or differ in any column; 0 = equal.

    `theirs` holds `<mart>.parquet`, a file or a folder of files, with our columns by name.
    """
    found = {}
    reader = open_reader(settings, writes_to=theirs)
    try:
        for table, keys in KEYS.items():
            names = [
                row[0]
                for row in reader.execute(f"describe marts.{table}").fetchall()
                if row[0] not in (*OURS_ALONE.get(table, ()), "load_id")
            ]
            path = theirs / f"{table}.parquet"
            files = f"{path}/*.parquet" if path.is_dir() else str(path)
            columns, where = ", ".join(names), ZERO_ROWS.get(table, "true")
            ours = f"(select {columns} from marts.{table} where {where}) as ours"
            other = f"(select {columns} from read_parquet({quoted(files)}) where {where}) as theirs"
            on = " and ".join(f"ours.{key} = theirs.{key}" for key in keys)
            equal = " and ".join(
                f"ours.{name} is not distinct from theirs.{name}" for name in names
            )
            row = reader.execute(
                f"select (select count(*) from {ours}), (select count(*) from {other}), "
                f"(select count(*) from {ours} inner join {other} on {on} where {equal}), "
                f"(select count(*) from (select distinct {', '.join(keys)} from {other}))"
            ).fetchone()
            assert row is not None
            mine, yours, same, distinct = row
            found[table] = (mine - same) + (yours - same) + (yours - distinct)
    finally:
        reader.close()
    return found
