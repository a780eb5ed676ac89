-- Stock before each open day's first instant, except the first day's.
{{ config(materialized='view') }}

select stock_date, sku_id, location_id, available_qty
from {{ ref('int_stock__openings') }}
where is_listed = 1
