-- The fifteen SKUs that lost most views in the last 24 hours, and since when they are in or out.
with lost as (
    select * from {{ ref('overview_lost_demand') }} where place <= 15
),

skus as (
    select * from {{ ref('dim_sku') }}
),

stock_now as (
    select * from {{ ref('overview_stock_now') }}
)

select
    cast(lost.place as smallint) as place,
    lost.sku_id,
    cast(coalesce(skus.style_id, lost.style_id) as {{ text_type(128) }}) as style_id,
    cast(skus.brand as {{ text_type(256) }}) as brand,
    cast(skus.category as {{ text_type(256) }}) as category,
    cast(skus.color as {{ text_type(256) }}) as color,
    cast(skus.size as {{ text_type(256) }}) as size,
    lost.lost_views,
    stock_now.in_stock,
    stock_now.since_ts,
    cast(coalesce(stock_now.is_since_exact, 0) as smallint) as is_since_exact
from lost
left join skus on lost.sku_id = skus.sku_id
left join stock_now on lost.sku_id = stock_now.sku_id
