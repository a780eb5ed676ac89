-- Each product as it is now: what dim_product_history holds from the last change on.
{{ config(materialized='view') }}

select style_id, sku_id, brand, department, category, color, size, price, currency, is_active, size_share
from {{ ref('dim_product_history') }}
where valid_to = date '9999-12-31'
