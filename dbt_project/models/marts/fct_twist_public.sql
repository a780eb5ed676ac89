-- The fact without its persons. A column that is added to the fact is not here until it is named.
{{ config(materialized='view') }}

select
    view_date,
    view_id,
    view_ts,
    view_hour,
    style_id,
    sku_id,
    channel,
    fulfilment,
    store_id,
    in_stock_share,
    out_of_stock_share,
    unknown_share,
    network_qty,
    store_share
from {{ ref('fct_twist') }}
