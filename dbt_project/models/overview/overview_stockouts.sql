-- The twelve open stock-outs that have lost most views, with how many are open.
with stockouts as (
    select * from {{ ref('fct_stockouts') }} where is_current = 1 and out_until is null
),

skus as (
    select * from {{ ref('dim_sku') }}
),

ranked as (
    select stockouts.*,
        row_number() over (order by lost_views desc nulls last, out_from asc nulls first, sku_id asc nulls first) as place,
        count(*) over () as open_stockouts
    from stockouts
    where lost_views > 0
)

select
    cast(ranked.place as smallint) as place,
    ranked.sku_id, skus.style_id, skus.brand, skus.category, skus.color, skus.size,
    ranked.out_from, ranked.cause, ranked.lost_views,
    cast(ranked.open_stockouts as bigint) as open_stockouts
from ranked
left join skus on ranked.sku_id = skus.sku_id
where ranked.place <= 12
