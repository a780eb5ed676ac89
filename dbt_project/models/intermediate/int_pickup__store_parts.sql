-- The SKUs of each pickup view that the network could sell at that moment, each in the store's part of the view
-- or elsewhere. Levels are read for what a store is asked for on a day. Published rows are never deleted: a part
-- that is gone is 0.
{{ config(
    unique_key=['view_date', 'view_id', 'sku_id'],
    merge_exclude_columns=['view_hour', 'store_id', 'style_id'],
    index=primary_index(['view_date', 'view_id', 'sku_id'], day='view_date'),
    partitioned_by='view_date, hour(view_hour)',
    recomputed={
        'by': 'changed_views', 'keys': ['view_date', 'view_hour', 'view_id'],
        'first': ['view_date', 'view_id'], 'first_where': 'is_first = 1',
    },
    zero_when_gone={'store_share': 0, 'elsewhere_share': 0},
    meta={'bounds': ['view_hour']},
) }}

with pickups as (
    {%- if narrows('changed_views') %}
    select view_date, view_id, view_ts, view_hour, store_id, style_id, sku_id
    from {{ ref('changed_views') }}
    where fulfilment = 'pickup' and store_id is not null
    {%- else %}
    select event_date as view_date, event_id as view_id, event_ts as view_ts, {{ hour_start('event_ts') }} as view_hour,
        store_id, style_id, sku_id
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1 and fulfilment = 'pickup' and store_id is not null
    {%- endif %}
),

views as (
    select view_date, view_id, view_ts, view_hour, store_id, style_id,
        case when sku_id is null then 1 else 0 end as is_style, coalesce(sku_id, style_id) as product_id
    from pickups
),

curves as (
    select stock_date, 1 as is_style, style_id as product_id, sku_id, size_share from {{ ref('int_catalog__size_shares') }}
    where size_share > 0 and {{ within('changed_views', ['view_date', 'style_id'], ['stock_date', 'style_id']) }}
    union all
    select distinct view_date as stock_date, 0 as is_style, product_id, product_id as sku_id, cast(1 as decimal(7, 6)) as size_share
    from views
    where is_style = 0
),

wanted as (
    select views.view_date, views.view_hour, views.view_id, views.view_ts, views.store_id, views.style_id, curves.sku_id, curves.size_share
    from views
    inner join curves
        on views.view_date = curves.stock_date and views.is_style = curves.is_style and views.product_id = curves.product_id
),

levels as (
    {{ stock_levels('changed_views', 'view_date') }}
),

levels_held as (
    select levels.stock_date, levels.location_id, levels.sku_id, levels.available_qty, levels.event_ts as valid_from,
        lead(levels.event_ts, 1, cast(levels.stock_date + interval '1' day as timestamp(6))) over (
            partition by levels.stock_date, levels.location_id, levels.sku_id
            order by levels.event_ts nulls first, levels.tie_partition nulls first, levels.tie_offset nulls first,
                levels.tie_arrived_at nulls first
        ) as valid_to
    from levels
    inner join (select distinct view_date, store_id, sku_id from wanted) as asked
        on levels.stock_date = asked.view_date and levels.location_id = asked.store_id and levels.sku_id = asked.sku_id
),

sellable as (
    select flips.stock_date, flips.sku_id, flips.in_stock, flips.valid_from,
        lead(flips.valid_from, 1, cast(flips.stock_date + interval '1' day as timestamp(6))) over (
            partition by flips.stock_date, flips.sku_id order by flips.valid_from nulls first
        ) as valid_to
    from (
        select * from {{ ref('int_stock__sku_flips') }} where {{ not_before('changed_views', 'view_date', 'stock_date') }}
    ) as flips
    inner join (select distinct view_date, sku_id from wanted) as wanted_skus
        on flips.stock_date = wanted_skus.view_date and flips.sku_id = wanted_skus.sku_id
)

select
    wanted.view_date, wanted.view_hour, wanted.view_id, wanted.store_id, wanted.style_id, wanted.sku_id,
    cast(case when held.sku_id is null then 0 else wanted.size_share end as decimal(7, 6)) as store_share,
    cast(case when held.sku_id is null then wanted.size_share else 0 end as decimal(7, 6)) as elsewhere_share,
    {{ load_id() }} as load_id
from wanted
inner join sellable
    on wanted.view_date = sellable.stock_date and wanted.sku_id = sellable.sku_id
        and wanted.view_ts >= sellable.valid_from and wanted.view_ts < sellable.valid_to
left join (select * from levels_held where available_qty >= {{ setting('min_pickup_qty') }}) as held
    on wanted.view_date = held.stock_date and wanted.store_id = held.location_id and wanted.sku_id = held.sku_id
        and wanted.view_ts >= held.valid_from and wanted.view_ts < held.valid_to
where sellable.in_stock = 1
