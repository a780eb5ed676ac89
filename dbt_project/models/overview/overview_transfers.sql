-- Those SKUs, what their store holds of them now, and the fullest other location.
with wanted as (
    select * from {{ ref('overview_transfer_demand') }}
),

held as (
    select * from {{ ref('overview_stock_held') }}
),

skus as (
    select * from {{ ref('dim_sku') }}
),

described as (
    select * from {{ ref('dim_location') }}
),

fullest as (
    select wanted.store_id, wanted.sku_id, held.location_id, held.available_qty
    from wanted
    inner join held on wanted.sku_id = held.sku_id and wanted.store_id <> held.location_id
    qualify row_number() over (
        partition by wanted.store_id, wanted.sku_id order by held.available_qty desc nulls last, held.location_id asc nulls first
    ) = 1
)

select
    wanted.store_id, wanted.sku_id,
    cast(stores.location_name as {{ text_type(256) }}) as store_name,
    cast(coalesce(skus.style_id, wanted.style_id) as {{ text_type(128) }}) as style_id,
    cast(skus.brand as {{ text_type(256) }}) as brand,
    cast(skus.category as {{ text_type(256) }}) as category,
    cast(skus.color as {{ text_type(256) }}) as color,
    cast(skus.size as {{ text_type(256) }}) as size,
    wanted.wanted_views, wanted.place, wanted.store_place,
    cast(coalesce(own.available_qty, 0) as bigint) as store_qty,
    fullest.location_id as from_id,
    cast(origins.location_name as {{ text_type(256) }}) as from_name,
    cast(fullest.available_qty as bigint) as from_qty
from wanted
left join skus on wanted.sku_id = skus.sku_id
left join held as own on wanted.sku_id = own.sku_id and wanted.store_id = own.location_id
left join fullest on wanted.store_id = fullest.store_id and wanted.sku_id = fullest.sku_id
left join described as stores on wanted.store_id = stores.location_id
left join described as origins on fullest.location_id = origins.location_id
