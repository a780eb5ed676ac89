with hours as (
    select cast(view_hour as date) as view_date,
        sum(cast(views as bigint)) as views,
        sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_views as decimal(18, 6))) as out_of_stock_views,
        sum(cast(unknown_views as decimal(18, 6))) as unknown_views
    from {{ ref('fct_twist_hourly') }}
    group by cast(view_hour as date)
),

days as (
    select view_date,
        sum(cast(views as bigint)) as views,
        sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_views as decimal(18, 6))) as out_of_stock_views,
        sum(cast(unknown_views as decimal(18, 6))) as unknown_views
    from {{ ref('twist_daily') }}
    group by view_date
)

select hours.view_date, hours.views, days.views as daily_views
from hours
left join days on hours.view_date = days.view_date
where coalesce(days.views, 0) <> hours.views
    or coalesce(days.in_stock_views, 0) <> hours.in_stock_views
    or coalesce(days.out_of_stock_views, 0) <> hours.out_of_stock_views
    or coalesce(days.unknown_views, 0) <> hours.unknown_views
