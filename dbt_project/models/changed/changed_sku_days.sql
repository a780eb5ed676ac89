-- SKUs whose stock is computed again on a day, and from which moment on.
{{ config(index=primary_index(['stock_date', 'sku_id'])) }}

with stock_changes as (
    select * from {{ ref('stg_availability__stock_changes') }} where {{ is_new() }}
),

openings as (
    select * from {{ ref('int_stock__openings') }} where {{ is_new() }}
),

changes as (
    select event_date as stock_date, sku_id, event_ts as changed_from from stock_changes
    union all
    select stock_date, sku_id, cast(stock_date as timestamp(6)) as changed_from from openings
)

select stock_date, sku_id, min(changed_from) as changed_from
from changes
group by stock_date, sku_id
