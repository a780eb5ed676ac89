-- Hours whose demand for transfers to a store is computed again: those with changed pickup views or parts
-- of them, and those with views at or after a moment from which another set of the style's SKUs was in stock.
{{ config(index=primary_index(['view_hour', 'store_id', 'style_id'])) }}

with changed_styles as (
    select * from {{ rows_of('changed_style_days') }}
),

hours as (
    select * from {{ ref('fct_pickup_hourly') }}
    where {{ not_before('changed_style_days', 'stock_date', 'view_hour', 'timestamp(6)') }}
)

select cast(view_hour as date) as view_date, view_hour, store_id, style_id
from {{ ref('fct_pickup_hourly') }}
where {{ is_new() }}
union
select view_date, view_hour, store_id, style_id from {{ ref('int_pickup__store_parts') }} where {{ is_new() }}
union
select changed_styles.stock_date as view_date, hours.view_hour, hours.store_id, hours.style_id
from changed_styles
inner join hours
    on changed_styles.style_id = hours.style_id
        and hours.view_hour >= {{ hour_start('changed_styles.changed_from') }}
        and hours.view_hour < cast(changed_styles.stock_date + interval '1' day as timestamp(6))
