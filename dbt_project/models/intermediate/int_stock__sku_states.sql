-- The network's stock of a SKU over time: one row at each instant with a stock event, and one at
-- the opening of the day.
{{ config(
    unique_key=['stock_date', 'sku_id', 'valid_from'],
    index=primary_index(['stock_date', 'sku_id', 'valid_from'], day='stock_date'),
    partitioned_by='stock_date',
) }}
{%- set touched = touched_levels() %}

with {{ touched.cte }}
openings as (
    {{ rows_of(touched, ref('int_stock__openings')) }}
),

stock_changes as (
    {{ rows_of(touched, ref('stg_availability__stock_changes'), ['event_date', 'sku_id']) }}
),

levels as (
    select stock_date, sku_id, location_id, cast(stock_date as timestamp(6)) as event_ts,
        cast(-1 as bigint) as tie_partition, cast(-1 as bigint) as tie_offset,
        cast(timestamp '1970-01-01 00:00:00' as timestamp(6)) as tie_arrived_at, available_qty
    from openings
    union all
    -- an oversold, negative level counts as 0
    select event_date, sku_id, location_id, event_ts, tie_partition, tie_offset, tie_arrived_at,
        case when available_qty < 0 then cast(0 as bigint) else available_qty end as available_qty
    from stock_changes
),

-- With the time from which the SKU-day is recomputed: its start, or the first change since.
moved_levels as (
    {{ moved_levels(touched) }}
),

network_before as (
    {{ network_before(touched) }}
),

changes as (
    select stock_date, sku_id, event_ts, summed_from,
        available_qty - coalesce(lag(available_qty) over (
            partition by stock_date, sku_id, location_id
            order by event_ts nulls first, tie_partition nulls first, tie_offset nulls first,
                tie_arrived_at nulls first
        ), 0) as qty_change
    from moved_levels
),

instants as (
    select stock_date, sku_id, event_ts as valid_from,
        cast(sum(cast(qty_change as bigint)) as bigint) as qty_change
    from changes
    where event_ts >= summed_from
    group by stock_date, sku_id, event_ts
),

states as (
    select instants.stock_date, instants.sku_id, instants.valid_from,
        cast(coalesce(network_before.network_qty, 0) + sum(cast(instants.qty_change as bigint)) over (
            partition by instants.stock_date, instants.sku_id
            order by instants.valid_from nulls first rows unbounded preceding
        ) as bigint) as network_qty
    from instants
    left join network_before
        on instants.stock_date = network_before.stock_date and instants.sku_id = network_before.sku_id
)

select
    stock_date, sku_id, valid_from, network_qty,
    cast(case when network_qty >= {{ setting('min_sellable_qty') }} then 1 else 0 end as smallint) as in_stock,
    {{ load_id() }} as load_id
from states
