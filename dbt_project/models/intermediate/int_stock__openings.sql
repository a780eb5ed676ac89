-- Stock before each open day's first instant: the levels above 0, and one row without a location
-- for a SKU that is known and has none. They make each day complete in itself.
{{ config(
    unique_key=['stock_date', 'sku_id', 'location_id'],
    index=primary_index(['stock_date', 'sku_id', 'location_id'], day='stock_date'),
    partitioned_by='stock_date',
) }}
{%- set touched = touched_openings() %}

with {{ touched.cte }}
open_days as (
    select * from {{ ref('int_calendar__open_days') }}
    {%- if touched.from_date %} where open_date > {{ touched.from_date }}{% endif %}
),

levels as (
    {{ touched.rows }}
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
{%- if touched.from_date %}
union all
select
    published.stock_date, published.sku_id, published.location_id, cast(0 as bigint) as available_qty,
    cast(0 as smallint) as is_listed, {{ load_id() }} as load_id
from ({{ touched.published }}) as published
left join openings
    on published.stock_date = openings.stock_date and published.sku_id = openings.sku_id
        and published.location_id = openings.location_id
where openings.stock_date is null
{%- endif %}
