-- The views that each SKU lost in the last 24 hours, and its place among all.
select
    lost.sku_id,
    lost.style_id,
    lost.lost_views,
    cast(row_number() over (order by lost.lost_views desc nulls last, lost.sku_id asc nulls first) as bigint) as place
from (
    select sku_id, min(style_id) as style_id,
        cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views
    from {{ ref('fct_lost_demand_hourly') }}
    where view_hour >= (select first_hour from {{ ref('overview_clock') }})
    group by sku_id
) as lost
where lost.lost_views > 0
