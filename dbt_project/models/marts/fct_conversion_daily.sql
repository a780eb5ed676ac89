-- What became of a style's views by day (UTC) and channel: its bags, purchases and units sold.
{{ config(
    unique_key=['view_date', 'style_id', 'channel'],
    index=primary_index(['view_date', 'style_id', 'channel'], day='view_date'),
    partitioned_by='view_date',
    recomputed={'by': 'changed_days', 'keys': ['view_date']},
    zero_when_gone={'views': 0, 'in_stock_views': 0, 'bags': 0, 'purchases': 0, 'units': 0},
) }}

with hours as (
    select * from {{ ref('fct_twist_hourly') }}
    where {{ not_before('changed_days', 'view_date', 'view_hour', 'timestamp(6)') }}
        and {{ within('changed_days', ['view_date'], ['cast(view_hour as date)']) }}
),

events as (
    select * from {{ ref('stg_clickstream__events') }}
    where event_type in ('add_to_bag', 'purchase') and is_human = 1
        and {{ within('changed_days', ['view_date'], ['event_date']) }}
),

versions as (
    select * from {{ ref('int_catalog__sku_versions') }}
),

measured as (
    select cast(view_hour as date) as view_date, style_id, channel, views, in_stock_views,
        cast(0 as bigint) as bags, cast(0 as bigint) as purchases, cast(0 as bigint) as units
    from hours
    union all
    -- An event without a style is its SKU's, as the catalog has it on that day. (`style_id is null and …`
    -- would be a nested loop on DuckDB.)
    select events.event_date as view_date, coalesce(events.style_id, versions.style_id, '') as style_id, events.channel,
        cast(0 as bigint) as views, cast(0 as decimal(18, 6)) as in_stock_views,
        cast(case when events.event_type = 'add_to_bag' then 1 else 0 end as bigint) as bags,
        cast(case when events.event_type = 'purchase' then 1 else 0 end as bigint) as purchases,
        cast(case when events.event_type = 'purchase' then coalesce(events.quantity, 1) else 0 end as bigint) as units
    from events
    left join versions
        on case when events.style_id is null then events.sku_id end = versions.sku_id
            and events.event_date >= versions.valid_from and events.event_date < versions.valid_to
)

select
    view_date, style_id, channel,
    cast(sum(cast(views as bigint)) as bigint) as views,
    cast(sum(cast(in_stock_views as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
    cast(sum(cast(bags as bigint)) as bigint) as bags,
    cast(sum(cast(purchases as bigint)) as bigint) as purchases,
    cast(sum(cast(units as bigint)) as bigint) as units,
    {{ load_id() }} as load_id
from measured
group by view_date, style_id, channel
