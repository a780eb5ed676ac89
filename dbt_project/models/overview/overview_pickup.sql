-- What the stores held of the pickup views of the last 24 hours, by store.
{%- set parts = ['store_views', 'elsewhere_views', 'nowhere_views', 'unknown_views'] %}
with hours as (
    select * from {{ ref('fct_pickup_hourly') }}
    where view_hour >= (select first_hour from {{ ref('overview_clock') }}) and views > 0
),

described as (
    select * from {{ ref('dim_location') }}
)

select
    hours.store_id,
    cast(max(described.location_name) as {{ text_type(256) }}) as store_name,
    cast(sum(cast(hours.views as bigint)) as bigint) as views
    {%- for part in parts %},
    cast(sum(cast(hours.{{ part }} as decimal(18, 6))) as decimal(18, 6)) as {{ part }}
    {%- endfor %}
from hours
left join described on hours.store_id = described.location_id
group by hours.store_id
