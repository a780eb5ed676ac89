"""`make demo`: a small retailer's day (or a public data set) from landing to facts, printed."""

import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]

from ingestion.settings import ROOT, Settings, SettingsError
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import open_reader
from orchestration.warehouse.load import load

OTTO_SAMPLE = ROOT / "tests" / "data" / "otto_sample.parquet"
DIRTY_DAY: dict[str, Any] = {
    "start": datetime(2026, 10, 31, 18, tzinfo=UTC),
    "hours": 30,
    "duplicate_rate": 0.01,
    "retry_rate": 0.005,
    "late_rate": 0.01,
    "too_late_rate": 0.0005,
    "disorder": 2.0,
    "dirty_rate": 0.0005,
    "rewrite_rate": 0.05,
}
"""The simulated day and the evening before it, whose purchases give the usual conversion; and what
goes wrong: rates of events, lines and keys; seconds of disorder."""


def demo_settings(data: str = "retailer") -> Settings:
    """The settings of a demo: its own folders; the environment is ignored."""
    folder = ROOT / ".data" / "demo" / data
    names = Settings.model_fields
    defaults = {name: names[name].get_default() for name in names}
    defaults |= {"landing": str(folder / "landing"), "warehouse": str(folder / "warehouse")}
    defaults |= {"overview": str(folder / "overview")}
    # A past day is not late: nothing is red but what is wrong.
    defaults |= {name: 1_000_000 for name in names if name.startswith("fresh_")}
    return Settings.model_construct(**defaults)


def demo(data: str, path_to: Path | None, say: Callable[[str], None]) -> None:
    """Recreate the landing lake of a demo, load it and print the facts."""
    settings = demo_settings(data)
    folder = Path(settings.landing).parent
    if folder.exists():
        shutil.rmtree(folder)
    Path(settings.landing).mkdir(parents=True)
    started = time.monotonic()
    say(_land(data, path_to, Path(settings.landing)))
    dbt = Dbt(settings)
    say("first load: parsing the dbt project takes some seconds …")
    report = load(settings, dbt, say)
    dbt.close()
    say(str(report))
    say("")
    for title, sql in REPORT:
        say(title)
        conn = open_reader(settings)
        answer = conn.execute(sql)
        names = [column[0].replace("_", " ") for column in answer.description or []]
        say(indent(table(names, answer.fetchall()), "  "))
        say("")
    say(f'{time.monotonic() - started:.0f} s in all. To query further: make sql Q="from twist_now"')


def _land(data: str, path_to: Path | None, landing: Path) -> str:
    """Write the landing lake; the simulated day has late, duplicate and malformed lines."""
    from ingestion.simulation.landing_writer import describe, land

    began = time.monotonic()
    if data == "retailer":
        from ingestion.simulation.simulator import RetailerConfig, write_landing

        summary = write_landing(RetailerConfig(**DIRTY_DAY), landing)
    else:
        from ingestion.simulation.public_data import READERS
        from ingestion.simulation.sink import SinkConfig

        source = path_to or (OTTO_SAMPLE if data == "otto" else None)
        if source is None:
            raise SettingsError(
                "PATH_TO is missing: make demo DATA=retailrocket PATH_TO=folder, with the data set"
            )
        summary = land(READERS[data](source), SinkConfig(partitions=1), landing)
    return f"landed {describe(summary, landing, time.monotonic() - began)}"


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An aligned table; ids stay as they are, numbers are grouped in thousands."""
    ids = [number for number, value in enumerate(rows[0]) if isinstance(value, str)] if rows else []
    shown = {"intfmt": ",", "floatfmt": ",.1f", "missingval": "–", "disable_numparse": ids}
    text: str = tabulate(rows, names, "plain", **shown) if rows else "(none)"
    return text


_PERCENT = (
    "coalesce(printf('%.1f %%', 100.0 * sum(in_stock_views) "
    "/ nullif(sum(in_stock_views) + sum(out_of_stock_views), 0)), 'unknown')"
)
REPORT = (
    (
        "TWIST: of the views whose stock state is known, the share that met an item in stock",
        f"""
        select coalesce(channel, 'all channels') as channel, sum(views)::bigint as views,
            {_PERCENT} as twist, sum(in_stock_views) as in_stock,
            sum(out_of_stock_views) as out_of_stock, sum(unknown_views) as unknown
        from fct_twist_hourly group by grouping sets ((), (channel))
        order by grouping(channel) desc, views desc
        """,
    ),
    (
        "The worst style-hours (at least 50 views)",
        f"""
        select view_hour, hours.style_id as style, max(sku.brand) as brand,
            max(sku.category) as category, sum(views)::bigint as views, {_PERCENT} as twist
        from fct_twist_hourly as hours
        left join (select style_id, min(brand) as brand, min(category) as category
            from dim_sku group by style_id) as sku on hours.style_id = sku.style_id
        group by view_hour, hours.style_id
        having sum(views) >= 50 and sum(in_stock_views) + sum(out_of_stock_views) > 0
        order by sum(in_stock_views) / (sum(in_stock_views) + sum(out_of_stock_views)), views desc
        limit 5
        """,
    ),
    (
        "The SKUs that lost most demand",
        """
        select lost.sku_id as sku, max(sku.brand) as brand, max(sku.category) as category,
            max(sku.size) as size, sum(lost_views) as lost_views
        from fct_lost_demand_hourly as lost left join dim_sku as sku on lost.sku_id = sku.sku_id
        group by lost.sku_id having sum(lost_views) > 0 order by sum(lost_views) desc, 1 limit 8
        """,
    ),
    (
        "What that cost, at the usual conversion and before substitution",
        """
        select coalesce(conversion_level, 'no conversion yet') as conversion_of, currency,
            sum(lost_views) as lost_views, sum(lost_units) as lost_pieces,
            sum(lost_revenue) as lost_revenue
        from lost_sales_hourly group by all having sum(lost_views) > 0
        order by lost_revenue desc nulls last, 1
        """,
    ),
    (
        "The three longest stock-outs",
        """
        select stockouts.sku_id as sku, sku.category, sku.size, cause,
            strftime(out_from, '%Y-%m-%d %H:%M') as out_from,
            coalesce(returned_by, '') as returned_by,
            round(coalesce(seconds_out, epoch((select max(view_ts) from fct_twist) - out_from))
                / 3600, 1) as hours_out,
            lost_views
        from fct_stockouts as stockouts left join dim_sku as sku using (sku_id)
        where is_current = 1 and lost_views > 0 and cause <> 'first_known'
        order by hours_out desc, lost_views desc limit 3
        """,
    ),
    (
        "Pickup: the parts of these views that met the item in their store, elsewhere or nowhere",
        """
        select coalesce(store_id, 'all stores') as store, sum(views)::bigint as views,
            sum(store_views) as in_the_store, sum(elsewhere_views) as elsewhere,
            sum(nowhere_views) as nowhere, sum(unknown_views) as unknown
        from fct_pickup_hourly group by grouping sets ((), (store_id))
        order by grouping(store_id) desc, views desc, 1 limit 4
        """,
    ),
    (
        "What pickup wanted most in a store while it lay elsewhere",
        """
        select store_id as store, transfers.sku_id as sku, max(sku.category) as category,
            max(sku.size) as size, sum(wanted_views) as wanted_views
        from fct_transfer_demand_hourly as transfers left join dim_sku as sku using (sku_id)
        group by 1, 2 order by wanted_views desc, 1, 2 limit 5
        """,
    ),
    (
        "The audit: every line that landed",
        """
        select coalesce(topic, 'all') as topic, count(*) as objects, sum(lines)::bigint as lines,
            sum(loaded)::bigint as loaded, sum(duplicates)::bigint as duplicates,
            sum(late)::bigint as late, sum(quarantined)::bigint as quarantined,
            case when sum(lines) = sum(loaded + duplicates + late + quarantined)
                then 'balanced' else 'NOT BALANCED' end as balance
        from audit.landed_objects group by grouping sets ((topic), ())
        order by grouping(topic), topic
        """,
    ),
)
