-- Products that are described again: those that a fact names first, those whose SKU has new catalog rows,
-- and those of each style that such a SKU is or was in.
{{ config(index=primary_index(['style_id', 'sku_id'])) }}

with catalog_rows as (
    select style_id, sku_id from {{ ref('stg_catalog__skus') }}
),

changed_skus as (
    select sku_id from {{ rows_of('changed_catalog_skus') }}
),

changed_styles as (
    select distinct style_id from catalog_rows where sku_id in (select changed_skus.sku_id from changed_skus)
),

of_facts as (
    select style_id, sku_id from {{ ref('fct_twist_hourly') }} where {{ is_new() }}
    union
    select style_id, cast('' as {{ text_type(128) }}) as sku_id from {{ ref('fct_conversion_daily') }} where {{ is_new() }}
    {%- if is_published('dim_product_history', 'earlier_marts') %}
    except
    select style_id, sku_id from {{ source('earlier_marts', 'dim_product_history') }}
    {%- endif %}
),

known as (
    select style_id, sku_id from catalog_rows
    {%- if is_published('dim_product_history', 'earlier_marts') %}
    union
    select style_id, sku_id from {{ source('earlier_marts', 'dim_product_history') }}
    {%- endif %}
),

chosen as (
    select style_id, sku_id from of_facts
    union
    select style_id, sku_id from known
    where sku_id in (select changed_skus.sku_id from changed_skus)
        or style_id in (select changed_styles.style_id from changed_styles)
)

select style_id, sku_id from chosen
union
select style_id, cast('' as {{ text_type(128) }}) as sku_id from chosen
