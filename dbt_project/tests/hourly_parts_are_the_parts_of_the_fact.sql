-- By hour, the hourly facts equal the sums over the views, and lost views the out-of-stock views.
with facts as (
    select view_hour,
        cast(count(*) as bigint) as views,
        sum(cast(in_stock_share as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_share as decimal(18, 6))) as out_of_stock_views,
        sum(cast(unknown_share as decimal(18, 6))) as unknown_views
    from {{ ref('fct_twist') }}
    group by view_hour
),

hours as (
    select view_hour,
        sum(cast(views as bigint)) as views,
        sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_views as decimal(18, 6))) as out_of_stock_views,
        sum(cast(unknown_views as decimal(18, 6))) as unknown_views
    from {{ ref('fct_twist_hourly') }}
    group by view_hour
),

lost as (
    select view_hour, sum(cast(lost_views as decimal(18, 6))) as lost_views
    from {{ ref('fct_lost_demand_hourly') }}
    group by view_hour
)

select facts.view_hour, facts.views, hours.views as hourly_views, facts.out_of_stock_views, lost.lost_views
from facts
left join hours on facts.view_hour = hours.view_hour
left join lost on facts.view_hour = lost.view_hour
where coalesce(hours.views, 0) <> facts.views
    or coalesce(hours.in_stock_views, 0) <> facts.in_stock_views
    or coalesce(hours.out_of_stock_views, 0) <> facts.out_of_stock_views
    or coalesce(hours.unknown_views, 0) <> facts.unknown_views
    or coalesce(lost.lost_views, 0) <> facts.out_of_stock_views
