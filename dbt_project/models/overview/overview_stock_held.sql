-- Where stock of the SKUs that the page names is now: the newest level of each location that holds some.
with wanted as (
    select sku_id from {{ ref('overview_lost_demand') }} where place <= 15
    union
    select sku_id from {{ ref('overview_recoveries') }}
    union
    select sku_id from {{ ref('overview_transfer_demand') }}
),

newest_day as (
    select max(open_date) as open_date from {{ ref('int_calendar__open_days') }}
),

levels as (
    select sku_id, location_id, cast(stock_date as timestamp(6)) as level_ts,
        cast(-1 as bigint) as tie_partition, cast(-1 as bigint) as tie_offset,
        cast(timestamp '1970-01-01 00:00:00' as timestamp(6)) as tie_arrived_at, available_qty
    from {{ ref('stock_daily') }}
    where stock_date = (select newest_day.open_date from newest_day)
        and sku_id in (select sku_id from wanted)
    union all
    select sku_id, location_id, event_ts as level_ts, tie_partition, tie_offset, tie_arrived_at, available_qty
    from {{ ref('stg_availability__stock_changes') }}
    where event_date = (select newest_day.open_date from newest_day)
        and sku_id in (select sku_id from wanted)
),

newest_levels as (
    select sku_id, location_id, available_qty
    from levels
    qualify row_number() over (
        partition by sku_id, location_id
        order by level_ts desc nulls last, tie_partition desc nulls last, tie_offset desc nulls last,
            tie_arrived_at desc nulls last
    ) = 1
)

select sku_id, location_id, available_qty from newest_levels where available_qty > 0
