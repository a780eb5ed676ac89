-- What the views lost in the last 24 hours cost, by currency.
with clock as (
    select * from {{ ref('overview_clock') }}
),

lost as (
    select * from {{ ref('lost_sales_hourly') }}
    where view_hour >= (select clock.first_hour from clock)
)

select
    currency,
    cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views,
    cast(coalesce(sum(cast(lost_units as decimal(18, 6))), 0) as decimal(18, 6)) as lost_units,
    cast(sum(cast(lost_revenue as decimal(18, 4))) as decimal(18, 4)) as lost_revenue,
    cast(sum(cast(case when lost_revenue is null then lost_views else 0 end as decimal(18, 6))) as decimal(18, 6))
        as views_without_revenue
from lost
group by currency
having sum(cast(lost_views as decimal(18, 6))) > 0
