-- The 60 minutes up to the newest product view.
{{ config(materialized='view') }}

with newest_day as (
    select max(view_date) as view_date from {{ ref('twist_daily') }} where views > 0
),

newest as (
    select max(fct_twist.view_ts) as newest_view_ts
    from {{ ref('fct_twist') }}
    inner join newest_day on fct_twist.view_date = newest_day.view_date
),

newest_stock_day as (
    select max(event_date) as event_date from {{ ref('stg_availability__stock_changes') }}
),

newest_stock as (
    select max(stock_changes.event_ts) as newest_stock_change_ts
    from {{ ref('stg_availability__stock_changes') }} as stock_changes
    inner join newest_stock_day on stock_changes.event_date = newest_stock_day.event_date
),

last_hour as (
    select fct_twist.*
    from {{ ref('fct_twist') }}
    cross join newest
    where fct_twist.view_ts > newest.newest_view_ts - interval '60' minute
        and fct_twist.view_date >= cast(newest.newest_view_ts - interval '60' minute as date)
),

totals as (
    select
        cast(count(*) as bigint) as views,
        cast(coalesce(sum(cast(in_stock_share as decimal(18, 6))), 0) as decimal(18, 6)) as in_stock_views,
        cast(coalesce(sum(cast(out_of_stock_share as decimal(18, 6))), 0) as decimal(18, 6)) as out_of_stock_views,
        cast(coalesce(sum(cast(unknown_share as decimal(18, 6))), 0) as decimal(18, 6)) as unknown_views
    from last_hour
)

select
    totals.views,
    totals.in_stock_views,
    totals.out_of_stock_views,
    totals.unknown_views,
    {{ twist_rate('totals.in_stock_views', 'totals.out_of_stock_views') }} as twist_rate,
    newest.newest_view_ts,
    newest_stock.newest_stock_change_ts,
    cast({{ seconds_between('newest.newest_view_ts', clock()) }} as bigint) as lag_seconds
from totals
cross join newest
cross join newest_stock
