-- Days whose totals are computed again: with new traffic, or with other attributes of a product.
{{ config(index=primary_index(['view_date'])) }}

with hours as (
    select * from {{ ref('fct_twist_hourly') }} where {{ is_new() }}
),

open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

versions as (
    select * from {{ ref('int_catalog__sku_versions') }} where {{ is_new() }}
)

select cast(view_hour as date) as view_date from hours
union
select open_days.open_date as view_date
from open_days
inner join versions on open_days.open_date >= versions.valid_from and open_days.open_date < versions.valid_to
