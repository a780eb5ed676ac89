-- Stock before each open day's first instant: the levels above 0, and one row without a location
-- for a SKU that is known and has none. They make each day complete in itself.
{{ config(
    unique_key=['stock_date', 'sku_id', 'location_id'],
    index=primary_index(['stock_date', 'sku_id', 'location_id'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_openings', 'keys': ['stock_date', 'sku_id']},
    zero_when_gone={'available_qty': 0, 'is_listed': 0},
) }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
    where {{ not_before('changed_openings', 'stock_date', 'open_date') }}
),

-- In an incremental run: of the changed SKUs the last opening that stays, and the changes since.
levels as (
    {%- if narrows('changed_openings') %}
    select
        published.sku_id, published.location_id, published.stock_date as event_date,
        cast(published.stock_date as timestamp(6)) as event_ts,
        cast(-1 as bigint) as tie_partition, cast(-1 as bigint) as tie_offset,
        cast(timestamp '1970-01-01 00:00:00' as timestamp(6)) as tie_arrived_at, published.available_qty
    from (select * from {{ this }} where {{ not_before('changed_openings', 'held_from', 'stock_date') }}) as published
    inner join (select distinct sku_id, held_from from {{ ref('changed_openings') }}) as held_skus
        on published.sku_id = held_skus.sku_id and published.stock_date = held_skus.held_from
    where published.is_listed = 1
    union all
    select
        stock_changes.sku_id, stock_changes.location_id, stock_changes.event_date, stock_changes.event_ts,
        stock_changes.tie_partition, stock_changes.tie_offset, stock_changes.tie_arrived_at, stock_changes.available_qty
    from (
        select * from {{ ref('stg_availability__stock_changes') }}
        where {{ not_before('changed_openings', 'held_from', 'event_date') }}
    ) as stock_changes
    inner join (select distinct sku_id, held_from from {{ ref('changed_openings') }}) as changed_skus
        on stock_changes.sku_id = changed_skus.sku_id and stock_changes.event_date >= changed_skus.held_from
    {%- else %}
    select sku_id, location_id, event_date, event_ts, tie_partition, tie_offset, tie_arrived_at, available_qty
    from {{ ref('stg_availability__stock_changes') }}
    {%- endif %}
),

day_ends as (
    select sku_id, location_id, event_date, available_qty
    from levels
    qualify row_number() over (
        partition by sku_id, location_id, event_date
        order by event_ts desc nulls last, tie_partition desc nulls last, tie_offset desc nulls last,
            tie_arrived_at desc nulls last
    ) = 1
),

held as (
    select sku_id, location_id, event_date, available_qty,
        lead(event_date) over (
            partition by sku_id, location_id order by event_date nulls first
        ) as next_event_date
    from day_ends
),

at_openings as (
    select open_days.open_date as stock_date, held.sku_id, held.location_id, held.available_qty
    from held
    inner join open_days
        on open_days.open_date > held.event_date
            and (held.next_event_date is null or open_days.open_date <= held.next_event_date)
    where {{ within('changed_openings', ['stock_date', 'sku_id'], ['open_days.open_date', 'held.sku_id']) }}
),

openings as (
    select stock_date, sku_id, location_id, available_qty
    from at_openings
    where available_qty > 0
    union all
    select stock_date, sku_id, cast('' as {{ text_type(128) }}) as location_id, cast(0 as bigint) as available_qty
    from at_openings
    group by stock_date, sku_id
    having max(available_qty) <= 0
)

select
    stock_date, sku_id, location_id, available_qty, cast(1 as smallint) as is_listed,
    {{ load_id() }} as load_id
from openings
