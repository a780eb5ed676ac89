-- Hours whose lost demand is computed again: those with changed views, and those with views at or
-- after a moment from which another set of the style's SKUs was out of stock than before.
{{ config(index=primary_index(['view_hour', 'style_id'])) }}

with changed_styles as (
    select * from {{ rows_of('changed_style_days') }}
),

hours as (
    select distinct view_hour, style_id
    from {{ ref('fct_twist_hourly') }}
    where {{ not_before('changed_style_days', 'stock_date', 'view_hour', 'timestamp(6)') }}
)

select view_date, view_hour, style_id from {{ rows_of('changed_view_hours') }}
union
select changed_styles.stock_date as view_date, hours.view_hour, hours.style_id
from changed_styles
inner join hours
    on changed_styles.style_id = hours.style_id
        and hours.view_hour >= {{ hour_start('changed_styles.changed_from') }}
        and hours.view_hour < cast(changed_styles.stock_date + interval '1' day as timestamp(6))
