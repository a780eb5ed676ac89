"""PySpark: the marts of one day, as a classic daily job computes them.

    python tests/benchmarks/spark.py LANDING OUT        (in the environment of this folder's lock)

Written as one would want to find it: schemas given, Spark SQL and built-in functions only (no UDFs,
no Python rows), adaptive execution, few shuffle partitions, the window form of the as-of join
(Spark's own SortMergeAsOfJoin takes 2.5 times as long), small tables broadcast and
cached. Like the script by hand it trusts what landed and knows one day only.
"""

import os
import sys
from typing import Any

from pyspark.sql import SparkSession

VIEWS = """
    event_id string, event_type string, event_ts timestamp, channel string, style_id string,
    sku_id string, fulfilment string, store_id string, session_id string, visitor_id string,
    user_agent string
"""
CHANGES = """
    event_id string, sku_id string, location_id string, available_qty bigint,
    event_ts timestamp, _partition bigint, _offset bigint
"""
SKUS = """
    sku_id string, style_id string, brand string, department string, category string, color string,
    size string, price double, currency string, size_share decimal(7, 6), is_active boolean,
    event_ts timestamp, _partition bigint, _offset bigint, _timestamp bigint
"""

STEPS: tuple[tuple[str, str], ...] = (
    (
        "levels",
        """
        select sku_id, location_id, event_ts, available_qty, position
        from (
            select event_id, any_value(sku_id) as sku_id, any_value(location_id) as location_id,
                any_value(event_ts) as event_ts, any_value(available_qty) as available_qty,
                min(struct(_partition, _offset)) as position
            from landed_changes group by event_id
        )
        """,
    ),
    (
        "sku_states",
        """
        with changes as (
            select sku_id, event_ts, available_qty - coalesce(lag(available_qty) over (
                partition by sku_id, location_id order by event_ts, position), 0) as qty_change
            from levels
        ),
        instants as (
            select sku_id, event_ts, sum(qty_change) as qty_change from changes
            group by sku_id, event_ts
        )
        select sku_id, event_ts as valid_from,
            sum(qty_change) over (partition by sku_id order by event_ts) as network_qty
        from instants
        """,
    ),
    (
        "skus",
        """
        select sku_id, style_id, brand, department, category, color, size, price, currency,
            size_share, cast(is_active as smallint) as is_active, event_ts,
            greatest(cast(event_ts as date),
                date_sub(cast(timestamp_millis(_timestamp) as date), 3)) as valid_from
        from (
            select *, row_number() over (
                partition by sku_id order by event_ts desc, _partition desc, _offset desc) as nth
            from landed_skus
        ) where nth = 1
        """,
    ),
    (
        "size_shares",
        """
        with weighted as (
            select style_id, sku_id,
                case when min(coalesce(size_share, 0)) over (partition by style_id) > 0
                    then cast(size_share * 1000000 as bigint) else 1 end as weight
            from skus where is_active = 1
        ),
        cumulated as (
            select style_id, sku_id,
                1000000 * sum(weight) over (partition by style_id order by sku_id)
                    div sum(weight) over (partition by style_id) as millionths
            from weighted
        )
        select style_id, sku_id, cast((millionths - coalesce(
                lag(millionths) over (partition by style_id order by sku_id), 0))
            * 0.000001 as decimal(7, 6)) as size_share
        from cumulated
        """,
    ),
    (
        "intervals",
        """
        with compared as (
            select sku_id, valid_from, network_qty >= 1 as in_stock,
                lag(network_qty >= 1) over (partition by sku_id order by valid_from) as before
            from sku_states
        ),
        flips as (
            select sku_id, valid_from, in_stock,
                lead(valid_from, 1, timestamp_ntz'9999-12-31') over (
                    partition by sku_id order by valid_from) as valid_to
            from compared where not in_stock <=> before
        )
        select /*+ broadcast(size_shares) */ style_id, sku_id, size_share, in_stock, valid_from,
            valid_to
        from flips inner join size_shares using (sku_id)
        """,
    ),
    (
        "style_states",
        """
        with instants as (select distinct style_id, valid_from from intervals)
        select instants.style_id, instants.valid_from,
            sum(case when in_stock then size_share else 0 end) as in_stock_share,
            sum(size_share) as known_share
        from instants
        inner join intervals on instants.style_id = intervals.style_id
            and instants.valid_from >= intervals.valid_from
            and instants.valid_from < intervals.valid_to
        group by instants.style_id, instants.valid_from
        """,
    ),
)
CACHED = ("sku_states", "skus", "size_shares", "intervals")
"""Small, and read by more than one later step. The facts are read back from what was written."""

OUTPUTS = {
    "fct_twist": """
        with timeline as (
            select concat('k', sku_id) as product, valid_from as at, 0 as is_view,
                valid_from as state_from, cast(network_qty as bigint) as network_qty,
                cast(if(network_qty >= 1, 1, 0) as decimal(7, 6)) as in_stock,
                cast(1 as decimal(7, 6)) as known,
                cast(null as struct<event_id: string, style_id: string, sku_id: string,
                    channel: string, fulfilment: string, store_id: string, session_id: string,
                    visitor_id: string>) as view
            from sku_states
            union all
            select concat('s', style_id), valid_from, 0, valid_from, null,
                cast(in_stock_share as decimal(7, 6)), cast(known_share as decimal(7, 6)), null
            from style_states
            union all
            select coalesce(concat('k', sku_id), concat('s', style_id)), event_ts, 1, null, null,
                null, null, struct(event_id, style_id, sku_id, channel,
                    coalesce(fulfilment, 'ship') as fulfilment, store_id, session_id, visitor_id)
            from views
        ),
        looked_up as (
            select at, is_view, view,
                last_value(state_from) ignore nulls over as_of as state_from,
                last_value(network_qty) ignore nulls over as_of as network_qty,
                coalesce(last_value(in_stock) ignore nulls over as_of, 0) as in_stock,
                coalesce(last_value(known) ignore nulls over as_of, 0) as known
            from timeline
            window as_of as (partition by product order by at, is_view
                rows between unbounded preceding and current row)
        )
        select cast(at as date) as view_date, view.event_id as view_id, at as view_ts,
            cast(date_trunc('HOUR', at) as timestamp_ntz) as view_hour, view.style_id, view.sku_id,
            view.channel, view.fulfilment, view.store_id, view.session_id, view.visitor_id,
            cast(in_stock as decimal(7, 6)) as in_stock_share,
            cast(known - in_stock as decimal(7, 6)) as out_of_stock_share,
            cast(1 - known as decimal(7, 6)) as unknown_share, network_qty, state_from
        from looked_up where is_view = 1
    """,
    "fct_twist_hourly": """
        select view_hour, style_id, coalesce(sku_id, '') as sku_id, channel, count(*) as views,
            cast(sum(in_stock_share) as decimal(18, 6)) as in_stock_views,
            cast(sum(out_of_stock_share) as decimal(18, 6)) as out_of_stock_views,
            cast(sum(unknown_share) as decimal(18, 6)) as unknown_views
        from fct_twist group by view_hour, style_id, coalesce(sku_id, ''), channel
    """,
    "fct_lost_demand_hourly": """
        with by_state as (
            select view_hour, style_id, state_from, count(*) as views from fct_twist
            where sku_id is null and state_from is not null
            group by view_hour, style_id, state_from
        ),
        lost as (
            select view_hour, style_id, sku_id, out_of_stock_views as lost_views
            from fct_twist_hourly where sku_id <> ''
            union all
            select by_state.view_hour, by_state.style_id, intervals.sku_id,
                cast(by_state.views * intervals.size_share as decimal(18, 6))
            from by_state
            inner join intervals on by_state.style_id = intervals.style_id
                and by_state.state_from >= intervals.valid_from
                and by_state.state_from < intervals.valid_to
            where not intervals.in_stock
        )
        select view_hour, style_id, sku_id, cast(sum(lost_views) as decimal(18, 6)) as lost_views
        from lost group by view_hour, style_id, sku_id having sum(lost_views) > 0
    """,
    "twist_daily": """
        with first_skus as (
            select style_id, min(sku_id) as first_sku from skus group by style_id
        ),
        totals as (
            select /*+ broadcast(own, first_skus, described) */
                cast(view_hour as date) as business_date, coalesce(described.brand, '') as brand,
                coalesce(described.department, '') as department,
                coalesce(described.category, '') as category, channel,
                sum(views) as views, cast(sum(in_stock_views) as decimal(18, 6)) as in_stock_views,
                cast(sum(out_of_stock_views) as decimal(18, 6)) as out_of_stock_views,
                cast(sum(unknown_views) as decimal(18, 6)) as unknown_views
            from fct_twist_hourly as hourly
            left join skus as own on hourly.sku_id = own.sku_id
            left join first_skus on hourly.style_id = first_skus.style_id
            left join skus as described
                on described.sku_id = coalesce(own.sku_id, first_skus.first_sku)
            group by 1, 2, 3, 4, 5
        )
        select *, cast(floor(cast(in_stock_views as double)
                / cast(nullif(in_stock_views + out_of_stock_views, 0) as double) * 1000000 + 0.5)
            * 0.000001 as decimal(7, 6)) as twist_rate
        from totals
    """,
    "dim_sku": "select * from skus",
    "dim_location": "select distinct location_id from levels",
}


def session() -> Any:
    """Spark on all cores of this machine, offline."""
    builder = SparkSession.builder.master("local[*]").appName("twist")
    for name, value in {
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "8g"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 1)),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
    }.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def run(landing: str, out: str) -> None:
    """Write `<out>/<mart>.parquet`, a folder of files each."""
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    for topic, schema, name in (
        ("clickstream", VIEWS, "clicks"),
        ("sku_availability", CHANGES, "landed_changes"),
        ("product_catalog", SKUS, "landed_skus"),
    ):
        # The folders dt=/hour= are for listing, not columns of the data.
        lines = spark.read.schema(schema).option("recursiveFileLookup", "true")
        landed = lines.json(f"{landing}/topics/{topic}")
        # Texts with a Z are read as instants only; from here on they are UTC without zone.
        event_ts = landed["event_ts"].cast("timestamp_ntz")
        landed.withColumn("event_ts", event_ts).createOrReplaceTempView(name)
    views = spark.sql(
        "select * from clicks where event_type = 'product_view' and not "
        "coalesce(user_agent, '') rlike '(?i)bot|crawl|spider|headless'"
    )
    views.dropDuplicates(["event_id"]).createOrReplaceTempView("views")
    for name, query in STEPS:
        frame = spark.sql(query)
        if name in CACHED:
            frame = frame.cache()
        frame.createOrReplaceTempView(name)
    for name, query in OUTPUTS.items():
        spark.sql(query).write.mode("overwrite").parquet(f"{out}/{name}.parquet")
        spark.read.parquet(f"{out}/{name}.parquet").createOrReplaceTempView(name)
    spark.stop()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
