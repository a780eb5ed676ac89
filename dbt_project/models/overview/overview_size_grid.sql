-- The ten most visited styles that lack a size now, size by size.
with clock as (
    select * from {{ ref('overview_clock') }}
),

style_views as (
    select style_id, cast(sum(cast(views as bigint)) as bigint) as style_views
    from {{ ref('fct_twist_hourly') }}
    where view_hour >= (select clock.first_hour from clock)
    group by style_id
),

skus as (
    select * from {{ ref('dim_sku') }} where is_active = 1
),

newest_day as (
    select max(open_date) as open_date from {{ ref('int_calendar__open_days') }}
),

stock as (
    select * from {{ ref('overview_stock_now') }}
),

broken_styles as (
    select distinct skus.style_id
    from skus
    inner join stock on skus.sku_id = stock.sku_id
    where stock.in_stock = 0
),

ranked as (
    select style_views.style_id, style_views.style_views,
        row_number() over (order by style_views.style_views desc nulls last, style_views.style_id asc nulls first) as place
    from style_views
    inner join broken_styles on style_views.style_id = broken_styles.style_id
    where style_views.style_views > 0
),

shown as (
    select ranked.place, ranked.style_views, skus.*
    from ranked
    inner join skus on ranked.style_id = skus.style_id
    where ranked.place <= 10
),

states as (
    select sku_id, network_qty
    from {{ ref('int_stock__sku_states') }}
    where stock_date = (select newest_day.open_date from newest_day)
        and sku_id in (select sku_id from shown)
    qualify row_number() over (partition by sku_id order by valid_from desc nulls last) = 1
),

lost as (
    select * from {{ ref('overview_lost_demand') }}
)

select
    cast(shown.place as smallint) as place,
    shown.style_id,
    cast(max(shown.brand) as {{ text_type(256) }}) as brand,
    cast(max(shown.category) as {{ text_type(256) }}) as category,
    cast(max(shown.style_views) as bigint) as style_views,
    cast(coalesce(shown.size, '') as {{ text_type(256) }}) as size,
    cast(count(*) as bigint) as skus,
    cast(sum(cast(case when stock.in_stock = 1 then 1 else 0 end as bigint)) as bigint) as in_stock_skus,
    cast(sum(cast(case when stock.in_stock = 0 then 1 else 0 end as bigint)) as bigint) as out_of_stock_skus,
    cast(sum(cast(coalesce(states.network_qty, 0) as bigint)) as bigint) as network_qty,
    cast(sum(cast(coalesce(lost.lost_views, 0) as decimal(18, 6))) as decimal(18, 6)) as lost_views
from shown
left join stock on shown.sku_id = stock.sku_id
left join states on shown.sku_id = states.sku_id
left join lost on shown.sku_id = lost.sku_id
group by shown.place, shown.style_id, coalesce(shown.size, '')
