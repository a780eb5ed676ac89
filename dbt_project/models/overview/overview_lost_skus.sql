-- The fifteen SKUs that lost most views in the last 24 hours, and since when they are in or out.
with clock as (
    select * from {{ ref('overview_clock') }}
),

lost as (
    select * from {{ ref('overview_lost_demand') }} where place <= 15
),

skus as (
    select * from {{ ref('dim_sku') }}
),

-- Each day begins with the state it took over, so every SKU with stock events is in each day.
flips as (
    select sku_id, valid_from, in_stock
    from {{ ref('int_stock__sku_flips') }}
    where stock_date >= (select clock.newest_date - 14 from clock)
        and sku_id in (select sku_id from lost)
),

last_flips as (
    select sku_id,
        max(case when in_stock = 1 then valid_from end) as last_in_from,
        max(case when in_stock = 0 then valid_from end) as last_out_from
    from flips
    group by sku_id
),

states as (
    select sku_id, last_in_from, last_out_from,
        case when last_out_from is null or last_in_from > last_out_from then 1 else 0 end as in_stock,
        case when last_in_from is null or last_out_from is null then 0 else 1 end as is_since_exact
    from last_flips
),

since as (
    select flips.sku_id, min(flips.valid_from) as since_ts
    from flips
    inner join states on flips.sku_id = states.sku_id and flips.in_stock = states.in_stock
    where states.is_since_exact = 0
        or (states.in_stock = 1 and flips.valid_from > states.last_out_from)
        or (states.in_stock = 0 and flips.valid_from > states.last_in_from)
    group by flips.sku_id
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
    cast(states.in_stock as smallint) as in_stock,
    cast(since.since_ts as timestamp(6)) as since_ts,
    cast(coalesce(states.is_since_exact, 0) as smallint) as is_since_exact
from lost
left join skus on lost.sku_id = skus.sku_id
left join states on lost.sku_id = states.sku_id
left join since on lost.sku_id = since.sku_id
