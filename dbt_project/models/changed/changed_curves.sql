-- Styles whose size curve is computed again, by open day: every style of a day that opened, and on
-- each day that a changed version covers, the style that the SKU is in and the one that it was in.
{{ config(index=primary_index(['stock_date', 'style_id'])) }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

versions as (
    select * from {{ ref('int_catalog__sku_versions') }}
),

new_days as (
    select * from open_days where {{ is_new() }}
),

new_versions as (
    select * from versions where {{ is_new() }}
)

select new_days.open_date as stock_date, versions.style_id
from new_days
inner join versions
    on new_days.open_date >= versions.valid_from and new_days.open_date < versions.valid_to
union
select open_days.open_date as stock_date, new_versions.style_id
from open_days
inner join new_versions
    on open_days.open_date >= new_versions.valid_from and open_days.open_date < new_versions.valid_to
{%- if is_published('int_catalog__size_shares') %}
union
select published.stock_date, published.style_id
from (select * from {{ source('earlier_intermediate', 'int_catalog__size_shares') }}) as published
inner join new_versions
    on published.sku_id = new_versions.sku_id
        and published.stock_date >= new_versions.valid_from and published.stock_date < new_versions.valid_to
{%- endif %}
