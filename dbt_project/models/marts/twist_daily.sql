-- TWIST by day, brand, department, category and channel, with the attributes as of the day.
{{ config(
    unique_key=['view_date', 'brand', 'department', 'category', 'channel'],
    index=primary_index(['view_date', 'brand', 'department', 'category', 'channel'], day='view_date'),
) }}
{%- set touched = touched_keys(['view_date'], [
    'select cast(view_hour as date) as view_date from (' ~ changed(ref('fct_twist_hourly')) ~ ') as changed_hours',
    'select open_days.open_date as view_date from (select * from ' ~ ref('int_calendar__open_days') ~ ') as open_days inner join ('
    ~ changed(ref('int_catalog__sku_versions'))
    ~ ') as changed_versions on open_days.open_date >= changed_versions.valid_from and open_days.open_date < changed_versions.valid_to',
]) %}

with {{ touched.cte }}
hours as (
    select * from {{ ref('fct_twist_hourly') }}
    {%- if touched.from_date %}
    where view_hour >= cast({{ touched.from_date }} as timestamp(6))
      and cast(view_hour as date) in (select view_date from touched)
    {%- endif %}
),

products as (
    select cast(view_hour as date) as view_date, style_id, sku_id, channel,
        sum(cast(views as bigint)) as views,
        sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_views as decimal(18, 6))) as out_of_stock_views,
        sum(cast(unknown_views as decimal(18, 6))) as unknown_views
    from hours
    group by cast(view_hour as date), style_id, sku_id, channel
),

view_dates as (
    select distinct view_date from products
),

sku_versions as (
    select * from {{ ref('int_catalog__sku_versions') }}
),

versions as (
    select view_dates.view_date, sku_versions.*
    from view_dates
    inner join sku_versions
        on view_dates.view_date >= sku_versions.valid_from and view_dates.view_date < sku_versions.valid_to
),

first_skus as (
    select view_date, style_id, min(sku_id) as sku_id from versions group by view_date, style_id
),

described as (
    select
        products.*,
        case when own.sku_id is not null then own.brand else of_style.brand end as brand,
        case when own.sku_id is not null then own.department else of_style.department end as department,
        case when own.sku_id is not null then own.category else of_style.category end as category
    from products
    left join versions as own
        on products.view_date = own.view_date and products.sku_id = own.sku_id
    left join first_skus
        on products.view_date = first_skus.view_date and products.style_id = first_skus.style_id
    left join versions as of_style
        on first_skus.view_date = of_style.view_date and first_skus.sku_id = of_style.sku_id
),

totals as (
    select view_date, coalesce(brand, '') as brand, coalesce(department, '') as department,
        coalesce(category, '') as category, channel,
        cast(sum(cast(views as bigint)) as bigint) as views,
        cast(sum(cast(in_stock_views as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
        cast(sum(cast(out_of_stock_views as decimal(18, 6))) as decimal(18, 6)) as out_of_stock_views,
        cast(sum(cast(unknown_views as decimal(18, 6))) as decimal(18, 6)) as unknown_views
    from described
    group by view_date, coalesce(brand, ''), coalesce(department, ''), coalesce(category, ''), channel
)

select
    view_date, brand, department, category, channel,
    views, in_stock_views, out_of_stock_views, unknown_views,
    {{ share_of_sum('in_stock_views', 'out_of_stock_views') }} as twist_rate,
    {{ load_id() }} as load_id
from totals
{{ fallen_rows(touched, 'totals', ['view_date', 'brand', 'department', 'category', 'channel'], {
    'views': 'cast(0 as bigint) as views',
    'in_stock_views': 'cast(0 as decimal(18, 6)) as in_stock_views',
    'out_of_stock_views': 'cast(0 as decimal(18, 6)) as out_of_stock_views',
    'unknown_views': 'cast(0 as decimal(18, 6)) as unknown_views',
    'twist_rate': 'cast(null as decimal(7, 6)) as twist_rate'}) }}
