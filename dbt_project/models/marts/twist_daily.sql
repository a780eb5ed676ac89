-- TWIST by day, brand, department, category and channel, with the attributes as of the day.
{{ config(
    unique_key=['view_date', 'brand', 'department', 'category', 'channel'],
    index=primary_index(['view_date', 'brand', 'department', 'category', 'channel'], day='view_date'),
    recomputed={'by': 'changed_days', 'keys': ['view_date']},
    zero_when_gone={'views': 0, 'in_stock_views': 0, 'out_of_stock_views': 0, 'unknown_views': 0, 'twist_rate': none},
) }}

with hours as (
    select * from {{ ref('fct_twist_hourly') }}
    where {{ not_before('changed_days', 'view_date', 'view_hour') }}
        and {{ within('changed_days', ['view_date'], ['cast(view_hour as date)']) }}
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
