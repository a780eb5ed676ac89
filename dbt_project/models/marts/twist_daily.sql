-- TWIST by business day, brand, department, category and channel, with the attributes as of the hour's
-- UTC day.
{{ config(
    unique_key=['business_date', 'brand', 'department', 'category', 'channel'],
    index=primary_index(['business_date', 'brand', 'department', 'category', 'channel'], day='business_date'),
    recomputed={'by': 'changed_days', 'keys': ['business_date']},
    zero_when_gone={'views': 0, 'in_stock_views': 0, 'out_of_stock_views': 0, 'unknown_views': 0, 'twist_rate': none},
) }}
{%- set measures = ['in_stock_views', 'out_of_stock_views', 'unknown_views'] %}

with hours as (
    select * from {{ ref('fct_twist_hourly') }} where {{ not_before('changed_days', 'first_hour', 'view_hour') }}
),

business_days as (
    select * from {{ ref('dim_hour') }} where {{ within('changed_days', ['business_date']) }}
),

products as (
    select * from {{ ref('dim_product_history') }}
),

-- Each product of a day is described once, not each of its hours.
totals as (
    select business_days.business_date, cast(hours.view_hour as date) as view_date, hours.style_id, hours.sku_id, hours.channel,
        sum(cast(hours.views as bigint)) as views
        {%- for measure in measures %},
        sum(cast(hours.{{ measure }} as decimal(18, 6))) as {{ measure }}
        {%- endfor %}
    from hours
    inner join business_days on hours.view_hour = business_days.view_hour
    group by business_days.business_date, cast(hours.view_hour as date), hours.style_id, hours.sku_id, hours.channel
),

days as (
    select totals.business_date, products.brand, products.department, products.category, totals.channel,
        cast(sum(cast(totals.views as bigint)) as bigint) as views
        {%- for measure in measures %},
        cast(sum(cast(totals.{{ measure }} as decimal(18, 6))) as decimal(18, 6)) as {{ measure }}
        {%- endfor %}
    from totals
    inner join products
        on totals.style_id = products.style_id and totals.sku_id = products.sku_id
            and totals.view_date >= products.valid_from and totals.view_date < products.valid_to
    group by totals.business_date, products.brand, products.department, products.category, totals.channel
)

select
    business_date, brand, department, category, channel, views, in_stock_views, out_of_stock_views, unknown_views,
    {{ share_of_sum('in_stock_views', 'out_of_stock_views') }} as twist_rate,
    {{ load_id() }} as load_id
from days
