-- The 60 minutes up to the newest product view.
{{ config(materialized='view') }}

with newest_day as (
    select max(view_date) as view_date from {{ ref('fct_conversion_daily') }} where views > 0
),

-- The last 60 minutes are within the newest day and the day before.
newest_views as (
    select view_ts, in_stock_share, out_of_stock_share, unknown_share
    from {{ ref('fct_twist') }}
    where view_date >= (select newest_day.view_date - 1 from newest_day)
),

newest as (
    select max(view_ts) as newest_view_ts from newest_views
),

newest_stock as (
    select max(event_ts) as newest_stock_change_ts
    from {{ ref('stg_availability__stock_changes') }}
),

last_hour as (
    select newest_views.*
    from newest_views
    cross join newest
    where newest_views.view_ts > newest.newest_view_ts - interval '60' minute
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
    {{ share_of_sum('totals.in_stock_views', 'totals.out_of_stock_views') }} as twist_rate,
    newest.newest_view_ts,
    newest_stock.newest_stock_change_ts,
    cast({{ seconds_between('newest.newest_view_ts', clock()) }} as bigint) as lag_seconds
from totals
cross join newest
cross join newest_stock
