-- The SKUs that pickup views of the last 24 hours wanted in a store and that lay elsewhere: the twenty most
-- wanted, and the five of each store.
with hours as (
    select * from {{ ref('fct_transfer_demand_hourly') }}
    where view_hour >= (select first_hour from {{ ref('overview_clock') }}) and wanted_views > 0
),

wanted as (
    select store_id, sku_id, min(style_id) as style_id,
        cast(sum(cast(wanted_views as decimal(18, 6))) as decimal(18, 6)) as wanted_views
    from hours
    group by store_id, sku_id
),

ranked as (
    select wanted.*,
        row_number() over (order by wanted_views desc nulls last, store_id asc nulls first, sku_id asc nulls first) as place,
        row_number() over (
            partition by store_id order by wanted_views desc nulls last, sku_id asc nulls first
        ) as store_place
    from wanted
)

select store_id, sku_id, style_id, wanted_views, cast(place as bigint) as place, cast(store_place as bigint) as store_place
from ranked
where place <= 20 or store_place <= 5
