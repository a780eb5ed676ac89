-- The current catalog row of each SKU.
{{ config(materialized='view') }}

select
    sku_id, style_id, brand, department, category, color, size, price, currency, size_share, is_active,
    event_ts, valid_from
from {{ ref('int_catalog__sku_versions') }}
where valid_to = date '9999-12-31'
