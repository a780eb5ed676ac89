-- The time that the page shows: the newest hour with traffic, its day, and the last 24 hours.
select
    cast(max(view_hour) as timestamp(6)) as newest_hour,
    cast(max(view_hour) as date) as newest_date,
    cast(max(view_hour) - interval '23' hour as timestamp(6)) as first_hour
from {{ ref('fct_twist_hourly') }}
where views > 0
    and view_hour >= (
        select cast(max(view_date) as timestamp(6)) from {{ ref('twist_daily') }} where views > 0
    )
