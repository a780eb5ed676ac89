-- By hour, the four parts of pickup equal the sums over the views, and wanted views the elsewhere views.
{%- set parts = ['store_views', 'elsewhere_views', 'nowhere_views', 'unknown_views'] %}
with facts as (
    select view_hour,
        cast(count(*) as bigint) as views,
        sum(cast(store_share as decimal(18, 6))) as store_views,
        sum(cast(in_stock_share - store_share as decimal(18, 6))) as elsewhere_views,
        sum(cast(out_of_stock_share as decimal(18, 6))) as nowhere_views,
        sum(cast(unknown_share as decimal(18, 6))) as unknown_views
    from {{ ref('fct_twist') }}
    where store_share is not null
    group by view_hour
),

hours as (
    select view_hour,
        sum(cast(views as bigint)) as views
        {%- for part in parts %},
        sum(cast({{ part }} as decimal(18, 6))) as {{ part }}
        {%- endfor %}
    from {{ ref('fct_pickup_hourly') }}
    group by view_hour
),

transfers as (
    select view_hour, sum(cast(wanted_views as decimal(18, 6))) as wanted_views, min(wanted_views) as least
    from {{ ref('fct_transfer_demand_hourly') }}
    group by view_hour
)

select coalesce(facts.view_hour, transfers.view_hour) as view_hour, facts.views, hours.views as hourly_views,
    facts.elsewhere_views, transfers.wanted_views
from facts
full outer join transfers on facts.view_hour = transfers.view_hour
left join hours on facts.view_hour = hours.view_hour
where coalesce(hours.views, 0) <> coalesce(facts.views, 0)
    {%- for part in parts %}
    or coalesce(hours.{{ part }}, 0) <> coalesce(facts.{{ part }}, 0)
    {%- endfor %}
    or coalesce(transfers.wanted_views, 0) <> coalesce(facts.elsewhere_views, 0) or transfers.least < 0
