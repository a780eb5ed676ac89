-- Rows and sums of each fact are the same after it is joined with the products as of its UTC day, with the
-- products of now, and (facts by hour) with the hours; stock-outs, with the SKUs of now.
{%- set facts = [
    ('fct_twist', "coalesce(sku_id, '')", 'view_date', 'view_hour', 'out_of_stock_share'),
    ('fct_twist_hourly', 'sku_id', 'cast(view_hour as date)', 'view_hour', 'views'),
    ('fct_lost_demand_hourly', 'sku_id', 'cast(view_hour as date)', 'view_hour', 'lost_views'),
    ('fct_pickup_hourly', 'sku_id', 'cast(view_hour as date)', 'view_hour', 'views'),
    ('fct_transfer_demand_hourly', 'sku_id', 'cast(view_hour as date)', 'view_hour', 'wanted_views'),
    ('fct_conversion_daily', "''", 'view_date', 'cast(view_date as timestamp(6))', 'units'),
] %}
with
{%- for fact, sku_id, day, hour, measure in facts %}
{{ fact }}_rows as (
    select style_id as of_style_id, {{ sku_id }} as of_sku_id, {{ day }} as of_date,
        {{ hour }} as of_hour,
        cast({{ measure }} as decimal(18, 6)) as measure
    from {{ ref(fact) }}
),
{% endfor %}
products as (
    select * from {{ ref('dim_product_history') }}
),

current_products as (
    select * from {{ ref('dim_product') }}
),

business_hours as (
    select * from {{ ref('dim_hour') }}
),

stockouts as (
    select sku_id as of_sku_id, lost_views as measure from {{ ref('fct_stockouts') }}
),

skus as (
    select * from {{ ref('dim_sku') }}
),

compared as (
    {%- for fact, sku_id, day, hour, measure in facts %}
    {%- for dimension in ['none', 'history', 'now', 'hour'] if dimension != 'hour' or fact != 'fct_conversion_daily' %}
    select cast('{{ fact }}' as {{ text_type(64) }}) as fact, cast('{{ dimension }}' as {{ text_type(16) }}) as dimension,
        cast(count(*) as bigint) as row_count, sum(cast(measure as decimal(18, 6))) as measure
    from {{ fact }}_rows
    {%- if dimension == 'history' %}
    inner join products
        on of_style_id = products.style_id and of_sku_id = products.sku_id
            and of_date >= products.valid_from and of_date < products.valid_to
    {%- elif dimension == 'now' %}
    inner join current_products on of_style_id = current_products.style_id and of_sku_id = current_products.sku_id
    {%- elif dimension == 'hour' %}
    inner join business_hours on of_hour = business_hours.view_hour
    {%- endif %}
    union all
    {%- endfor %}
    {%- endfor %}
    {%- for dimension in ['none', 'sku'] %}
    select cast('fct_stockouts' as {{ text_type(64) }}) as fact, cast('{{ dimension }}' as {{ text_type(16) }}) as dimension,
        cast(count(*) as bigint) as row_count, sum(cast(measure as decimal(18, 6))) as measure
    from stockouts
    {{ 'left join skus on of_sku_id = skus.sku_id' if dimension == 'sku' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unjoined as (
    select * from compared where dimension = 'none'
)

select compared.fact, compared.dimension, unjoined.row_count as fact_rows, compared.row_count, unjoined.measure as fact_measure, compared.measure
from compared
inner join unjoined on compared.fact = unjoined.fact
where compared.row_count <> unjoined.row_count or coalesce(compared.measure, 0) <> coalesce(unjoined.measure, 0)
