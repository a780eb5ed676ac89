-- The network's stock of a SKU over time: one row at each instant with a stock event, and one at
-- the opening of the day.
{{ config(
    unique_key=['stock_date', 'sku_id', 'valid_from'],
    index=primary_index(['stock_date', 'sku_id', 'valid_from'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_sku_days'},
) }}

with levels as (
    {{ stock_levels('changed_sku_days', 'stock_date', 'sku_id') }}
),

-- In an incremental run a SKU-day is computed from its first change on, for the locations that
-- changed since, and what the network held before is kept.
changed_levels as (
    {%- if narrows('changed_sku_days') %}
    select levels.*, changed_days.changed_from
    from levels
    inner join (select * from {{ ref('changed_sku_days') }}) as changed_days
        on levels.stock_date = changed_days.stock_date and levels.sku_id = changed_days.sku_id
    inner join (
        select later.stock_date, later.sku_id, later.location_id
        from levels as later
        inner join (select * from {{ ref('changed_sku_days') }}) as changed_since
            on later.stock_date = changed_since.stock_date and later.sku_id = changed_since.sku_id
                and later.event_ts >= changed_since.changed_from
        group by later.stock_date, later.sku_id, later.location_id
    ) as changed_locations
        on levels.stock_date = changed_locations.stock_date and levels.sku_id = changed_locations.sku_id
            and levels.location_id = changed_locations.location_id
    {%- else %}
    select levels.*, cast(stock_date as timestamp(6)) as changed_from from levels
    {%- endif %}
),

held_before as (
    {%- if narrows('changed_sku_days') %}
    select published.stock_date, published.sku_id, published.network_qty
    from (select * from {{ this }} where {{ within('changed_sku_days', ['stock_date', 'sku_id']) }}) as published
    inner join (select * from {{ ref('changed_sku_days') }}) as changed_then
        on published.stock_date = changed_then.stock_date and published.sku_id = changed_then.sku_id
            and published.valid_from < changed_then.changed_from
    qualify row_number() over (
        partition by published.stock_date, published.sku_id order by published.valid_from desc nulls last
    ) = 1
    {%- else %}
    select stock_date, sku_id, available_qty as network_qty from levels where 1 = 0
    {%- endif %}
),

changes as (
    select stock_date, sku_id, event_ts, changed_from, change_reason, tie_partition,
        available_qty - coalesce(lag(available_qty) over (
            partition by stock_date, sku_id, location_id
            order by event_ts nulls first, tie_partition nulls first, tie_offset nulls first,
                tie_arrived_at nulls first
        ), 0) as qty_change,
        row_number() over (
            partition by stock_date, sku_id, event_ts
            order by tie_partition desc nulls last, tie_offset desc nulls last, tie_arrived_at desc nulls last
        ) as place
    from changed_levels
),

-- The last change at an instant gives its reason. What a day opens with is no change of that day.
instants as (
    select stock_date, sku_id, event_ts as valid_from,
        cast(sum(cast(qty_change as bigint)) as bigint) as qty_change,
        cast(sum(cast(case when tie_partition < 0 then 0 else qty_change end as bigint)) as bigint) as qty_change_of_day,
        max(case when place = 1 then change_reason end) as change_reason
    from changes
    where event_ts >= changed_from
    group by stock_date, sku_id, event_ts
),

states as (
    select instants.stock_date, instants.sku_id, instants.valid_from, instants.change_reason, instants.qty_change_of_day,
        cast(coalesce(held_before.network_qty, 0) + sum(cast(instants.qty_change as bigint)) over (
            partition by instants.stock_date, instants.sku_id
            order by instants.valid_from nulls first rows unbounded preceding
        ) as bigint) as network_qty
    from instants
    left join held_before
        on instants.stock_date = held_before.stock_date and instants.sku_id = held_before.sku_id
)

select
    stock_date, sku_id, valid_from, network_qty,
    cast(case when network_qty >= {{ setting('min_sellable_qty') }} then 1 else 0 end as smallint) as in_stock,
    cast(network_qty - qty_change_of_day as bigint) as qty_before,
    change_reason,
    {{ load_id() }} as load_id
from states
