"""The content of a warehouse, read as its users read it, in a form that can be compared."""

from collections import Counter
from typing import Any

from ingestion.settings import Settings
from orchestration.warehouse.engines import open_reader
from tests.harness.referee_sales import HISTORY

MARTS = {
    "fct_twist": "* exclude (state_from, load_id)",
    "fct_twist_hourly": "* exclude (load_id)",
    "fct_lost_demand_hourly": "* exclude (load_id)",
    "fct_pickup_hourly": "* exclude (load_id)",
    "fct_transfer_demand_hourly": "* exclude (load_id)",
    "twist_daily": "* exclude (load_id)",
    "fct_conversion_daily": "* exclude (load_id)",
    "lost_sales_hourly": "*",
    "fct_stockouts": "*",
    "dim_hour": "*",
    "dim_product": "*",
    "dim_product_history": "* exclude (load_id, valid_from, valid_to)",
    "stock_daily": "*",
    "dim_sku": "*",
    "dim_location": "*",
}
NOT_ZERO = {
    "fct_twist_hourly": "views > 0",
    "fct_lost_demand_hourly": "lost_views > 0",
    "fct_pickup_hourly": "views > 0",
    "fct_transfer_demand_hourly": "wanted_views > 0",
    "twist_daily": "views > 0",
    "fct_conversion_daily": "views > 0 or bags > 0 or purchases > 0",
    "lost_sales_hourly": "lost_views > 0",
    "fct_stockouts": "is_current = 1",
}


def mart_of(name: str, marts: str) -> str:
    """What to select from for a mart; `marts` is its schema. The periods of dim_product_history as
    the days of `HISTORY`: how a history is cut is open.
    """
    if name != "dim_product_history":
        return f"{marts}.{name}"
    days = f"generate_series(date '{HISTORY[0]}', date '{HISTORY[-1]}', interval '1' day)"
    return (
        f"(select history.*, days.day from {marts}.{name} as history join ("
        f"select cast(unnest({days}) as date) as day) as days "
        "on days.day >= history.valid_from and days.day < history.valid_to)"
    )


AUDIT = """
    select
        (select coalesce(sum(loaded), 0) from audit.landed_objects) as loaded,
        (select count(*) from audit.late_events where replayed_at is not null) as replayed,
        (select count(*) from staging.stg_clickstream__events)
        + (select count(*) from staging.stg_availability__stock_changes)
        + (select count(*) from staging.stg_catalog__skus) as staged,
        (select count(*) from audit.landed_objects
            where lines <> loaded + duplicates + late + quarantined
            or least(lines, loaded, duplicates, late, quarantined) < 0) as unbalanced
"""

Rows = Counter[tuple[Any, ...]]


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """One query on its own connection."""
    (rows,) = queries(settings, sql)
    return rows


def queries(settings: Settings, *statements: str) -> list[list[tuple[Any, ...]]]:
    """Queries on one connection; opening it takes longer than querying."""
    reader = open_reader(settings)
    try:
        return [reader.execute(sql).fetchall() for sql in statements]
    finally:
        reader.close()


def marts(settings: Settings) -> dict[str, Rows]:
    """The rows of every mart, without what the contract leaves open."""
    found = queries(
        settings,
        *(
            f"select {columns} from {mart_of(name, 'marts')} where {NOT_ZERO.get(name, '1 = 1')}"
            for name, columns in MARTS.items()
        ),
    )
    return {name: Counter(rows) for name, rows in zip(MARTS, found, strict=True)}


def set_aside(settings: Settings) -> dict[str, set[tuple[Any, ...]]]:
    """The late events by position; the quarantined lines by position, or by text without one."""
    late, quarantined = queries(
        settings,
        "select topic, kafka_partition, kafka_offset from audit.late_events",
        "select topic, kafka_partition, kafka_offset, "
        "case when kafka_offset is null then raw_line end from audit.quarantined_lines",
    )
    return {"late": set(late), "quarantined": set(quarantined)}


def loaded_lines(settings: Settings) -> int:
    """How many lines the audit counts as loaded; it must balance."""
    ((loaded, replayed, staged, unbalanced),) = query(settings, AUDIT)
    assert unbalanced == 0
    assert loaded + replayed == staged
    return int(loaded)


def files(settings: Settings) -> tuple[set[str], set[str]]:
    """The names of the warehouse's files: on disk, and in its catalog."""
    on_disk = {
        path.name for path in (settings.warehouse_root / "data").rglob("*") if path.is_file()
    }
    metadata = "__ducklake_metadata_twist"
    known = query(
        settings,
        f"select path from {metadata}.ducklake_data_file "
        f"union select path from {metadata}.ducklake_delete_file "
        f"union select path from {metadata}.ducklake_files_scheduled_for_deletion",
    )
    return on_disk, {path.rsplit("/", 1)[-1] for (path,) in known}
