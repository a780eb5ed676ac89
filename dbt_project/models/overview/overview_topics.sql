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

missing as (
    select topic, cast(sum(cast(offsets as bigint)) as bigint) as missing_offsets
    from {{ ref('missing_offsets') }}
    where accepted_why is null
    group by topic
),

conflicts as (
    select topic, cast(count(*) as bigint) as conflicting_copies from {{ ref('conflicting_copies') }} group by topic
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
    cast(totals.is_balanced as smallint) as is_balanced,
    coalesce(missing.missing_offsets, 0) as missing_offsets,
    coalesce(conflicts.conflicting_copies, 0) as conflicting_copies
from totals
left join missing on totals.topic = missing.topic
left join conflicts on totals.topic = conflicts.topic
left join newest_events on totals.topic = newest_events.topic
