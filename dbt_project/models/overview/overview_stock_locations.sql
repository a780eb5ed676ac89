-- Where stock of those SKUs is now: the five fullest locations of a SKU.
with wanted as (
    select sku_id from {{ ref('overview_lost_demand') }} where place <= 15
    union
    select sku_id from {{ ref('overview_recoveries') }}
),

held as (
    select stock_held.*,
        row_number() over (partition by sku_id order by available_qty desc nulls last, location_id asc nulls first) as place,
        count(*) over (partition by sku_id) as locations,
        sum(cast(available_qty as bigint)) over (partition by sku_id) as network_qty
    from (select * from {{ ref('overview_stock_held') }}) as stock_held
    where sku_id in (select wanted.sku_id from wanted)
),

described as (
    select * from {{ ref('dim_location') }}
)

select
    held.sku_id,
    cast(held.place as smallint) as place,
    held.location_id,
    cast(described.location_name as {{ text_type(256) }}) as location_name,
    held.available_qty,
    cast(held.locations as bigint) as locations,
    cast(held.network_qty as bigint) as network_qty
from held
left join described on held.location_id = described.location_id
where held.place <= 5
