-- SKUs whose stock-outs are computed again, from the first day on which one changed to the last open
-- day. They follow from those of `held_date`, the open day before (the first day itself if there is none).
{{ config(index=primary_index(['stock_date', 'sku_id'])) }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

changes as (
    select stock_date, sku_id from {{ ref('int_stock__sku_flips') }} where {{ is_new() }}
    union
    select cast(view_hour as date) as stock_date, sku_id from {{ ref('lost_demand_by_state') }} where {{ is_new() }}
),

first_days as (
    select sku_id, min(stock_date) as first_date from changes group by sku_id
),

days_before as (
    select later.open_date, max(open_days.open_date) as held_date
    from (select distinct first_date as open_date from first_days) as later
    inner join open_days on open_days.open_date < later.open_date
    group by later.open_date
)

select open_days.open_date as stock_date, first_days.sku_id, coalesce(days_before.held_date, first_days.first_date) as held_date
from first_days
inner join open_days on first_days.first_date <= open_days.open_date
left join days_before on first_days.first_date = days_before.open_date
