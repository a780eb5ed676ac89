-- By business day, the daily table equals the sums over the hours.
{%- set measures = ['in_stock_views', 'out_of_stock_views', 'unknown_views'] %}
with business_days as (
    select * from {{ ref('dim_hour') }}
),

views as (
    select * from {{ ref('fct_twist_hourly') }}
),

hours as (
    select business_days.business_date, sum(cast(views.views as bigint)) as views
        {%- for measure in measures %},
        sum(cast(views.{{ measure }} as decimal(18, 6))) as {{ measure }}
        {%- endfor %}
    from views
    left join business_days on views.view_hour = business_days.view_hour
    group by business_days.business_date
),

days as (
    select business_date, sum(cast(views as bigint)) as views
        {%- for measure in measures %},
        sum(cast({{ measure }} as decimal(18, 6))) as {{ measure }}
        {%- endfor %}
    from {{ ref('twist_daily') }}
    group by business_date
)

select hours.business_date, hours.views, days.views as daily_views
from hours
left join days on hours.business_date = days.business_date
where coalesce(days.views, 0) <> hours.views
    {%- for measure in measures %}
    or coalesce(days.{{ measure }}, 0) <> hours.{{ measure }}
    {%- endfor %}
