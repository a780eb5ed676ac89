-- Each product day by day; its periods cover all time. Published rows are never deleted: a day on which
-- nothing changes any more stays the beginning of a period.
{{ config(
    unique_key=['valid_from', 'style_id', 'sku_id'],
    index=primary_index(['valid_from', 'style_id', 'sku_id']),
    recomputed={'by': 'changed_products'},
) }}
{%- set of_the_style, of_the_sku = ['brand', 'department', 'category'], ['color', 'size', 'currency', 'price', 'is_active', 'size_share'] %}
{%- set attributes = (of_the_style + of_the_sku) | join(', ') %}

with versions as (
    select * from {{ ref('int_catalog__sku_versions') }}
),

products as (
    {%- if narrows('changed_products') %}
    select style_id, sku_id from {{ ref('changed_products') }}
    {%- else %}
    select style_id, sku_id from {{ ref('fct_twist_hourly') }}
    union
    select style_id, sku_id from {{ ref('stg_catalog__skus') }}
    union
    select style_id, cast('' as {{ text_type(128) }}) as sku_id from {{ ref('stg_catalog__skus') }}
    union
    select style_id, cast('' as {{ text_type(128) }}) as sku_id from {{ ref('fct_conversion_daily') }}
    {%- endif %}
),

moves as (
    select sku_id, style_id, valid_from,
        lag(style_id) over (partition by sku_id order by valid_from nulls first) as style_before,
        min(valid_from) over (partition by sku_id) as known_from
    from versions
),

-- When a SKU was in a style
stays as (
    select sku_id, style_id, valid_from, known_from,
        lead(valid_from, 1, date '9999-12-31') over (partition by sku_id order by valid_from nulls first) as valid_to
    from moves
    where style_before is null or style_before <> style_id
),

days as (
    select style_id, date '0001-01-01' as valid_from from products
    union
    select style_id, valid_from from stays where style_id in (select products.style_id from products)
    union
    select style_id, valid_to from stays where style_id in (select products.style_id from products) and valid_to < date '9999-12-31'
),

-- A style is described by its smallest SKU.
first_skus as (
    select days.style_id, days.valid_from, min(stays.sku_id) as sku_id,
        lead(days.valid_from, 1, date '9999-12-31') over (partition by days.style_id order by days.valid_from nulls first) as valid_to
    from days
    left join stays on days.style_id = stays.style_id and days.valid_from >= stays.valid_from and days.valid_from < stays.valid_to
    group by days.style_id, days.valid_from
),

style_periods as (
    select first_skus.style_id as described_style_id, versions.*,
        case when versions.valid_from > first_skus.valid_from then versions.valid_from else first_skus.valid_from end as described_from
    from first_skus
    left join versions
        on first_skus.sku_id = versions.sku_id and versions.valid_from < first_skus.valid_to and versions.valid_to > first_skus.valid_from
),

-- A SKU that the catalog does not know yet is described by its style.
described as (
    select products.style_id, products.sku_id, 1 as is_known, own.valid_from, {{ attributes }}
    from products
    inner join (select sku_id as own_sku_id, valid_from, {{ attributes }} from versions) as own
        on products.sku_id = own.own_sku_id
    union all
    select products.style_id, products.sku_id, 0 as is_known, style_periods.described_from, {{ attributes }}
    from products
    inner join style_periods on products.style_id = style_periods.described_style_id
    left join (select distinct sku_id, known_from from stays) as known on products.sku_id = known.sku_id
    where known.known_from is null or style_periods.described_from < known.known_from
),

periods as (
    select described.*,
        lead(valid_from, 1, date '9999-12-31') over (partition by style_id, sku_id order by valid_from nulls first) as valid_to
    from described
),

cut as (
    select style_id, sku_id, is_known, valid_from, {{ attributes }} from periods
    {%- if is_incremental() %}
    union all
    select style_id, sku_id, is_known, published_from, {{ attributes }}
    from periods
    inner join (
        select style_id as of_style_id, sku_id as of_sku_id, valid_from as published_from from {{ this }}
        where {{ within('changed_products', ['style_id', 'sku_id']) }}
    ) as published
        on style_id = of_style_id and sku_id = of_sku_id and published_from > valid_from and published_from < valid_to
    {%- endif %}
)

select
    style_id, sku_id, cast(valid_from as date) as valid_from,
    cast(lead(valid_from, 1, date '9999-12-31') over (partition by style_id, sku_id order by valid_from nulls first) as date) as valid_to,
    {%- for name in of_the_style %}
    cast(coalesce({{ name }}, '') as {{ text_type(256) }}) as {{ name }},
    {%- endfor %}
    {%- for name, length in [('color', 256), ('size', 256), ('currency', 128)] %}
    cast(case when is_known = 1 and {{ name }} is not null then {{ name }} else '' end as {{ text_type(length) }}) as {{ name }},
    {%- endfor %}
    -- Half rounded up; in double precision 1.005 is slightly less, hence a millionth more. Beyond a billion it is no price.
    cast(case
        when is_known = 1 and price >= -1000000000 and price <= 1000000000
            then cast(floor(price * cast(100 as double precision) + cast(0.500001 as double precision)) as decimal(18, 0)) * 0.01
    end as decimal(18, 2)) as price,
    cast(case when is_known = 1 then is_active end as smallint) as is_active,
    cast(case when is_known = 1 then size_share end as decimal(7, 6)) as size_share,
    {{ load_id() }} as load_id
from cut
