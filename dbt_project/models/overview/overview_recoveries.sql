-- SKUs back in stock in the last 24 hours and still in stock: the ten that had lost most views.
with clock as (
    select * from {{ ref('overview_clock') }}
),

returned as (
    select sku_id, since_ts as back_ts
    from {{ ref('overview_stock_now') }}
    where in_stock = 1 and is_since_exact = 1
        and since_ts >= (select clock.first_hour from clock)
),

lost as (
    select * from {{ ref('overview_lost_demand') }}
),

skus as (
    select * from {{ ref('dim_sku') }}
),

ranked as (
    select returned.sku_id, returned.back_ts, lost.style_id, lost.lost_views,
        row_number() over (order by lost.place nulls last) as place
    from returned
    inner join lost on returned.sku_id = lost.sku_id
)

select
    cast(ranked.place as smallint) as place,
    ranked.sku_id,
    cast(coalesce(skus.style_id, ranked.style_id) as {{ text_type(128) }}) as style_id,
    cast(skus.brand as {{ text_type(256) }}) as brand,
    cast(skus.category as {{ text_type(256) }}) as category,
    cast(skus.color as {{ text_type(256) }}) as color,
    cast(skus.size as {{ text_type(256) }}) as size,
    ranked.lost_views,
    cast(ranked.back_ts as timestamp(6)) as back_ts
from ranked
left join skus on ranked.sku_id = skus.sku_id
where ranked.place <= 10
