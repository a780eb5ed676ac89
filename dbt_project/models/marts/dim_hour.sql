-- Each hour (UTC) of the open days, and where it lies in the business day of the setting `time_zone`.
{{ config(materialized='view') }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

hours_of_a_day as (
    {%- for hour in range(24) %}
    select cast({{ hour }} as smallint) as utc_hour from (select 1 as one) as hour_{{ hour }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

hours as (
    select cast(cast(open_days.open_date as timestamp(6)) + hours_of_a_day.utc_hour * interval '1' hour as timestamp(6)) as view_hour
    from open_days
    cross join hours_of_a_day
),

wall_clock as (
    select view_hour,
        cast(view_hour + ({{ hours_from_utc('view_hour') }}) * interval '1' hour as timestamp(6)) as business_ts
    from hours
),

business_days as (
    select view_hour, business_ts, cast(business_ts as date) as business_date,
        cast(cast(business_ts as date) - date '0001-01-01' as bigint) as days_since_a_monday
    from wall_clock
),

weekdays as (
    select view_hour, business_ts, business_date,
        days_since_a_monday - 7 * ({{ whole_quotient('days_since_a_monday', '7') }}) + 1 as weekday
    from business_days
)

select
    view_hour,
    business_date,
    cast(extract(hour from business_ts) as smallint) as business_hour,
    cast(weekday as smallint) as weekday,
    cast(case when weekday >= 6 then 1 else 0 end as smallint) as is_weekend
from weekdays
