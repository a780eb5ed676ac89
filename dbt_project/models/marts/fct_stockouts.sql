-- Each stock-out of a SKU: the longest time in which the network's known quantity is too low to sell.
{{ config(materialized='view') }}

with last_days as (
    select * from {{ ref('stockout_daily') }}
    qualify row_number() over (
        partition by sku_id, out_from order by is_listed desc nulls last, stock_date desc nulls last
    ) = 1
)

select
    sku_id, out_from, out_until, cause, returned_by, qty_before,
    cast({{ seconds_between('out_from', 'out_until') }} as bigint) as seconds_out,
    lost_views,
    cast(is_listed as smallint) as is_current
from last_days
