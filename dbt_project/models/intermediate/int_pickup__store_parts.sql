-- The SKUs of each pickup view that the chosen store held at that moment and the network could sell. Levels
-- are read for what a store is asked for on a day. Published rows are never deleted: a part that is gone is 0.
{{ config(
    unique_key=['view_date', 'view_id', 'sku_id'],
    merge_exclude_columns=['view_hour', 'store_id', 'style_id'],
    index=primary_index(['view_date', 'view_id', 'sku_id'], day='view_date'),
    partitioned_by='view_date',
    recomputed={'by': 'changed_views'},
) }}

with pickups as (
    {%- if narrows('changed_views') %}
    select view_date, view_id, view_ts, store_id, style_id, sku_id from {{ ref('changed_views') }}
    where store_id is not null
    {%- else %}
    select event_date as view_date, event_id as view_id, event_ts as view_ts, store_id, style_id, sku_id
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1 and fulfilment = 'pickup' and store_id is not null
    {%- endif %}
),

views as (
    select view_date, view_id, view_ts, {{ hour_start('view_ts') }} as view_hour, store_id, style_id,
        case when sku_id is null then 1 else 0 end as is_style, coalesce(sku_id, style_id) as product_id
    from pickups
),

asked as (
    select distinct view_date, view_hour, store_id, is_style, product_id from views
),

curves as (
    select stock_date, 1 as is_style, style_id as product_id, sku_id, size_share from {{ ref('int_catalog__size_shares') }}
    where size_share > 0 and {{ within('changed_views', ['view_date', 'style_id'], ['stock_date', 'style_id']) }}
    union all
    select distinct view_date as stock_date, 0 as is_style, product_id, product_id as sku_id, cast(1 as decimal(7, 6)) as size_share
    from asked
    where is_style = 0
),

wanted as (
    select asked_on.view_date, asked_on.store_id, curves.is_style, curves.product_id, curves.sku_id, curves.size_share
    from (select distinct view_date, store_id, is_style, product_id from asked) as asked_on
    inner join curves
        on asked_on.view_date = curves.stock_date and asked_on.is_style = curves.is_style
            and asked_on.product_id = curves.product_id
),

levels as (
    {{ stock_levels('changed_views', 'view_date') }}
),

periods as (
    select wanted.*, levels.available_qty, levels.event_ts as valid_from,
        lead(levels.event_ts, 1, cast(levels.stock_date + interval '1' day as timestamp(6))) over (
            partition by wanted.view_date, wanted.store_id, wanted.is_style, wanted.product_id, wanted.sku_id
            order by levels.event_ts nulls first, levels.tie_partition nulls first, levels.tie_offset nulls first,
                levels.tie_arrived_at nulls first
        ) as valid_to
    from wanted
    inner join levels
        on wanted.view_date = levels.stock_date and wanted.store_id = levels.location_id and wanted.sku_id = levels.sku_id
),

-- Under each hour in which the store is asked for it
held as (
    select periods.*, asked.view_hour
    from periods
    inner join asked
        on periods.store_id = asked.store_id and periods.is_style = asked.is_style and periods.product_id = asked.product_id
            and periods.valid_from < asked.view_hour + interval '1' hour and periods.valid_to > asked.view_hour
    where periods.available_qty >= {{ setting('min_pickup_qty') }}
),

sellable as (
    select flips.stock_date, flips.sku_id, flips.in_stock, flips.valid_from,
        lead(flips.valid_from, 1, cast(flips.stock_date + interval '1' day as timestamp(6))) over (
            partition by flips.stock_date, flips.sku_id order by flips.valid_from nulls first
        ) as valid_to
    from (
        select * from {{ ref('int_stock__sku_flips') }} where {{ not_before('changed_views', 'view_date', 'stock_date') }}
    ) as flips
    inner join (select distinct view_date, sku_id from held) as held_skus
        on flips.stock_date = held_skus.view_date and flips.sku_id = held_skus.sku_id
),

parts as (
    select views.view_date, views.view_hour, views.view_id, views.store_id, views.style_id, held.sku_id, held.size_share as store_share
    from views
    inner join held
        on views.view_hour = held.view_hour and views.store_id = held.store_id and views.is_style = held.is_style
            and views.product_id = held.product_id and views.view_ts >= held.valid_from and views.view_ts < held.valid_to
    inner join sellable
        on views.view_date = sellable.stock_date and held.sku_id = sellable.sku_id
            and views.view_ts >= sellable.valid_from and views.view_ts < sellable.valid_to
    where sellable.in_stock = 1
    {%- if is_incremental() %}
    union all
    select view_date, view_hour, view_id, store_id, style_id, sku_id, cast(0 as decimal(7, 6)) as store_share
    from {{ this }}
    where {{ within('changed_views', ['view_date', 'view_id']) }}
    {%- endif %}
)

select
    view_date, view_hour, view_id, store_id, style_id, sku_id,
    cast(sum(cast(store_share as decimal(18, 6))) as decimal(7, 6)) as store_share,
    {{ load_id() }} as load_id
from parts
group by view_date, view_hour, view_id, store_id, style_id, sku_id
