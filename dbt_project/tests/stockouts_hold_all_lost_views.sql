-- By SKU, the lost views of its stock-outs are those of the lost demand.
with stockouts as (
    select sku_id, sum(cast(lost_views as decimal(18, 6))) as lost_views
    from {{ ref('fct_stockouts') }}
    where is_current = 1
    group by sku_id
),

demand as (
    select sku_id, sum(cast(lost_views as decimal(18, 6))) as lost_views
    from {{ ref('fct_lost_demand_hourly') }}
    group by sku_id
)

select coalesce(demand.sku_id, stockouts.sku_id) as sku_id, demand.lost_views, stockouts.lost_views as of_stockouts
from demand
full outer join stockouts on demand.sku_id = stockouts.sku_id
where coalesce(demand.lost_views, 0) <> coalesce(stockouts.lost_views, 0)
