"""What the usual way to judge a day gets wrong, and how many bytes a view takes."""

from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.settings import Settings
from orchestration.history.export import export_day
from orchestration.warehouse.engines import open_reader

# Stock as it stood at the end of the day × the views of the day.
END_OF_DAY = """
with sku_ends as (
    select sku_id, arg_max(in_stock, valid_from) as in_stock
    from intermediate.int_stock__sku_states where stock_date = $day group by sku_id
),
style_ends as (
    select style_id, arg_max(in_stock_share, valid_from) as in_stock_share,
        arg_max(known_share, valid_from) as known_share
    from intermediate.int_stock__style_states where stock_date = $day group by style_id
),
judged as (
    select facts.view_hour, facts.style_id, facts.channel,
        facts.in_stock_share as exact_in, facts.out_of_stock_share as exact_out,
        coalesce(case when facts.sku_id is null then style_ends.in_stock_share
            else sku_ends.in_stock end, 0) as usual_in,
        coalesce(case when facts.sku_id is null
            then style_ends.known_share - style_ends.in_stock_share
            else 1 - sku_ends.in_stock end, 0) as usual_out
    from marts.fct_twist as facts
    left join sku_ends on facts.sku_id = sku_ends.sku_id
    left join style_ends on facts.style_id = style_ends.style_id
    where facts.view_date = $day
)
"""
RATES = """100 * sum(exact_in) / nullif(sum(exact_in) + sum(exact_out), 0) as exact_rate,
    100 * sum(usual_in) / nullif(sum(usual_in) + sum(usual_out), 0) as usual_rate"""
OFF = 5.0
"""Points of TWIST from which a style-hour counts as wrong."""


def accuracy(settings: Settings, day: date) -> dict[str, Any]:
    """Percent TWIST by channel, exact and the usual way; the share of style-hours that are off."""
    with closing(open_reader(settings)) as reader:
        channels = reader.execute(
            f"{END_OF_DAY} select coalesce(channel, 'all channels'), {RATES} from judged "
            "group by grouping sets ((channel), ()) order by count(*) desc",
            {"day": day},
        ).fetchall()
        found = reader.execute(
            f"{END_OF_DAY}, rates as ("
            f"select count(*) as views, {RATES} from judged group by style_id, view_hour"
            f"), hours as (select views, abs(exact_rate - usual_rate) > {OFF} as is_off from rates "
            "where exact_rate is not null and usual_rate is not null) "
            "select count(*), avg(is_off::integer), "
            "coalesce(sum(views) filter (is_off), 0) / sum(views) from hours",
            {"day": day},
        ).fetchone()
    assert found is not None
    return {
        "channels": [
            {"channel": name, "exact": round(float(exact), 2), "usual": round(float(usual), 2)}
            for name, exact, usual in channels
        ],
        "style_hours": found[0],
        "off_style_hours": round(float(found[1]), 4),
        "off_views": round(float(found[2]), 4),
    }


def storage(settings: Settings, past: Settings, past_day: date) -> dict[str, float]:
    """Bytes per view of the fact: what landed, staging, the fact, all tables; and the fact in the
    history lake, of a day in `past`'s warehouse that has closed.
    """
    with closing(open_reader(settings)) as reader:
        views = _count(reader, "select count(*) from marts.fct_twist")
        tables = dict(
            reader.execute(
                "select table_name, file_size_bytes from ducklake_table_info('twist')"
            ).fetchall()
        )
    landed = sum(path.stat().st_size for path in Path(settings.landing_root).rglob("*.json.gz"))
    staged = sum(size for name, size in tables.items() if name.startswith("stg_"))
    found = {
        "landing": landed / views,
        "staging": staged / views,
        "fact": tables["fct_twist"] / views,
        "all tables": sum(tables.values()) / views,
    }
    rows = export_day(past, past_day)["fct_twist"].rows
    exported = (Path(past.history_root) / "fct_twist").rglob("*.parquet")
    found["history"] = sum(path.stat().st_size for path in exported) / rows
    return {name: round(each, 1) for name, each in found.items()}


def _count(reader: Any, sql: str) -> int:
    return int(reader.execute(sql).fetchone()[0])
