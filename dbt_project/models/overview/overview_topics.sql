-- Each topic: how fresh it is, and whether every line that landed is accounted for.
with landed as (
    select * from {{ ref('landed_objects') }}
),

totals as (
    select topic,
        cast(max(audited_at) as timestamp(6)) as audited_at,
        cast(count(*) as bigint) as landed_objects,
        cast(sum(cast(lines as bigint)) as bigint) as lines,
        cast(sum(cast(loaded as bigint)) as bigint) as loaded,
        cast(sum(cast(duplicates as bigint)) as bigint) as duplicates,
        cast(sum(cast(late as bigint)) as bigint) as late,
        cast(sum(cast(quarantined as bigint)) as bigint) as quarantined,
        cast(sum(cast(case when status = 'unreadable' then 1 else 0 end as bigint)) as bigint) as unreadable_objects,
        min(case when lines = loaded + duplicates + late + quarantined then 1 else 0 end) as is_balanced
    from landed
    group by topic
),

hour_now as (
    select * from {{ ref('twist_now') }}
),

newest_events as (
    select cast('clickstream' as {{ text_type(64) }}) as topic, newest_view_ts as newest_event_ts from hour_now
    union all
    select cast('sku_availability' as {{ text_type(64) }}) as topic, newest_stock_change_ts as newest_event_ts from hour_now
    union all
    select cast('product_catalog' as {{ text_type(64) }}) as topic, max(event_ts) as newest_event_ts from {{ ref('dim_sku') }}
)

select
    totals.topic,
    cast(newest_events.newest_event_ts as timestamp(6)) as newest_event_ts,
    totals.audited_at,
    totals.landed_objects,
    totals.lines,
    totals.loaded,
    totals.duplicates,
    totals.late,
    totals.quarantined,
    totals.unreadable_objects,
    cast(totals.is_balanced as smallint) as is_balanced
from totals
left join newest_events on totals.topic = newest_events.topic
