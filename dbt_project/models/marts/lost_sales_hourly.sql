-- What lost views cost at the usual conversion, before substitution: units and revenue. Every row of lost
-- demand is one here; without a conversion its units are null, without a price its revenue.
{{ config(materialized='view') }}

with lost as (
    select view_hour, style_id, sku_id, lost_views, cast(view_hour as date) as view_date
    from {{ ref('fct_lost_demand_hourly') }}
),

conversions as (
    select * from {{ ref('fct_conversion_daily') }} where units > 0 or in_stock_views > 0
),

products as (
    select * from {{ ref('dim_product_history') }}
),

lost_styles as (
    select distinct view_date, style_id from lost
),

-- Of the 28 days before each day
sold as (
    select lost_days.view_date, conversions.style_id, conversions.units, conversions.in_stock_views
    from (select distinct view_date from lost_styles) as lost_days
    inner join conversions
        on conversions.view_date >= lost_days.view_date - 28 and conversions.view_date < lost_days.view_date
    union all
    select view_date, style_id, cast(0 as bigint) as units, cast(0 as decimal(18, 6)) as in_stock_views from lost_styles
),

sold_styles as (
    select view_date, style_id, sum(cast(units as bigint)) as units, sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views
    from sold
    group by view_date, style_id
),

described as (
    select sold_styles.*, products.category, products.department
    from sold_styles
    inner join products
        on sold_styles.style_id = products.style_id and products.sku_id = ''
            and sold_styles.view_date >= products.valid_from and sold_styles.view_date < products.valid_to
),

members as (
    {%- for level, member in [('style', 'style_id'), ('category', 'category'), ('department', 'department'), ('shop', "'all'")] %}
    select view_date, style_id, units, in_stock_views, {{ loop.index }} as place,
        cast('{{ level }}' as {{ text_type(16) }}) as conversion_level, cast({{ member }} as {{ text_type(256) }}) as member_name
    from described
    {%- if level in ('category', 'department') %}
    where {{ member }} <> ''
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

levels as (
    select view_date, style_id, place, conversion_level,
        sum(cast(units as bigint)) over (partition by view_date, place, member_name) as units,
        sum(cast(in_stock_views as decimal(18, 6))) over (partition by view_date, place, member_name) as in_stock_views
    from members
),

usual as (
    select view_date, style_id, conversion_level, in_stock_views,
        case when units < in_stock_views then cast(units as decimal(18, 6)) else in_stock_views end as bought_views
    from levels
    where units >= {{ setting('conversion_min_units') }} and in_stock_views > 0
    qualify row_number() over (partition by view_date, style_id order by place nulls first) = 1
),

priced as (
    select lost.view_hour, lost.style_id, lost.sku_id, lost.lost_views, usual.conversion_level, products.price, products.currency,
        {{ exact_product('lost.lost_views', 'usual.bought_views', 'usual.in_stock_views') }} as lost_units
    from lost
    inner join products
        on lost.style_id = products.style_id and lost.sku_id = products.sku_id
            and lost.view_date >= products.valid_from and lost.view_date < products.valid_to
    left join usual on lost.view_date = usual.view_date and lost.style_id = usual.style_id
)

select
    view_hour, style_id, sku_id, lost_views, conversion_level, lost_units, price, currency,
    cast(cast(
        floor(cast(cast(lost_units as decimal(18, 6)) * price as decimal(38, 8)) * cast(10000 as decimal(5, 0)) + 0.5)
    as decimal(38, 0)) * 0.0001 as decimal(18, 4)) as lost_revenue
from priced
