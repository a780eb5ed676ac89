-- Views to judge: the new ones (is_first), and those of a product from the moment on at which its stock changed, in
-- the network or in the store of a pickup.
{{ config(index=primary_index(['view_date', 'view_id'])) }}
{#- Not a CTE: DuckDB would read the views of all parts at once, instead of those that each part asks for. #}
{%- set product_views %}
    select event_date as view_date, event_id as view_id, event_ts as view_ts, {{ hour_start('event_ts') }} as view_hour,
        style_id, sku_id, fulfilment, store_id
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1
{%- endset %}

with levels as (
    select event_date as stock_date, sku_id, location_id, event_ts as changed_from
    from {{ ref('stg_availability__stock_changes') }} where {{ is_new() }}
    union all
    select stock_date, sku_id, location_id, cast(stock_date as timestamp(6)) as changed_from
    from {{ ref('int_stock__openings') }} where {{ is_new() }}
),

curves as (
    select * from {{ ref('int_catalog__size_shares') }}
    where {{ not_before('changed_sku_days', 'stock_date', 'stock_date') }}
),

-- Far fewer than views, so they are found first.
changed_stores as (
    select levels.stock_date, levels.location_id, curves.style_id, min(levels.changed_from) as changed_from
    from levels
    inner join curves on levels.stock_date = curves.stock_date and levels.sku_id = curves.sku_id
    group by levels.stock_date, levels.location_id, curves.style_id
)

select new_views.*, cast(1 as smallint) as is_first
from ({{ product_views }} and {{ is_new() }}) as new_views
union
select of_skus.*, cast(0 as smallint) as is_first
from ({{ product_views }} and not {{ is_new() }} and sku_id is not null and {{ not_before('changed_sku_days', 'changed_from', 'event_ts') }}
) as of_skus
inner join (select * from {{ rows_of('changed_sku_days') }}) as changed_skus
    on of_skus.view_date = changed_skus.stock_date and of_skus.sku_id = changed_skus.sku_id
        and of_skus.view_ts >= changed_skus.changed_from
union
select of_styles.*, cast(0 as smallint) as is_first
from ({{ product_views }} and not {{ is_new() }} and sku_id is null and {{ not_before('changed_style_days', 'changed_from', 'event_ts') }}
) as of_styles
inner join (select * from {{ rows_of('changed_style_days') }}) as changed_styles
    on of_styles.view_date = changed_styles.stock_date and of_styles.style_id = changed_styles.style_id
        and of_styles.view_ts >= changed_styles.changed_from
union
select of_stores.*, cast(0 as smallint) as is_first
from ({{ product_views }} and not {{ is_new() }} and sku_id is null and fulfilment = 'pickup'
    and {{ not_before('changed_sku_days', 'changed_from', 'event_ts') }}
) as of_stores
inner join changed_stores
    on of_stores.view_date = changed_stores.stock_date and of_stores.style_id = changed_stores.style_id
        and of_stores.store_id = changed_stores.location_id and of_stores.view_ts >= changed_stores.changed_from
