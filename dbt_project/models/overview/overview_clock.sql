-- The time that the page shows: the newest hour with traffic, its day, its business day, and the last 24 hours.
with newest as (
    select cast(max(view_hour) as timestamp(6)) as newest_hour
    from {{ ref('fct_twist_hourly') }}
    where views > 0
        and view_hour >= (
            select cast(max(view_date) as timestamp(6)) from {{ ref('fct_conversion_daily') }} where views > 0
        )
),

business_days as (
    select * from {{ ref('dim_hour') }}
)

select
    newest.newest_hour,
    cast(newest.newest_hour as date) as newest_date,
    cast(newest.newest_hour - interval '23' hour as timestamp(6)) as first_hour,
    business_days.business_date
from newest
left join business_days on newest.newest_hour = business_days.view_hour
