-- Days whose totals are computed again: with new traffic, bags or purchases, or with other attributes of a
-- product; and the business days in which their hours lie, each with its first hour.
{{ config(index=primary_index(['view_date', 'business_date'])) }}

with hours as (
    select * from {{ ref('fct_twist_hourly') }} where {{ is_new() }}
),

events as (
    select * from {{ ref('stg_clickstream__events') }}
    where {{ is_new() }} and event_type in ('add_to_bag', 'purchase') and is_human = 1
),

known_days as (
    select open_date as view_date from {{ ref('int_calendar__open_days') }}
    {%- if is_published('fct_conversion_daily', 'earlier_marts') %}
    union
    select view_date from {{ source('earlier_marts', 'fct_conversion_daily') }}
    {%- endif %}
),

versions as (
    select * from {{ ref('int_catalog__sku_versions') }} where {{ is_new() }}
),

days as (
    select cast(view_hour as date) as view_date from hours
    union
    select event_date as view_date from events
    union
    select known_days.view_date
    from known_days
    inner join versions on known_days.view_date >= versions.valid_from and known_days.view_date < versions.valid_to
),

business_hours as (
    select cast(view_hour as date) as view_date, business_date,
        min(view_hour) over (partition by business_date) as first_hour
    from {{ ref('dim_hour') }}
)

-- A day with purchases only has no hours. A business day of its date may have begun on the day before.
select distinct days.view_date,
    coalesce(business_hours.business_date, days.view_date) as business_date,
    cast(coalesce(business_hours.first_hour, cast(days.view_date - 1 as timestamp(6))) as timestamp(6)) as first_hour
from days
left join business_hours on days.view_date = business_hours.view_date
