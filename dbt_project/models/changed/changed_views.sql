-- Views to judge: the new ones, and those of a product from the moment on at which its stock changed.
{{ config(index=primary_index(['view_date', 'view_id'])) }}

with views as (
    select event_date, event_id, event_ts, style_id, sku_id, load_id
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1
),

new_views as (
    select * from views where {{ is_new() }}
),

sku_changes as (
    select stock_date, sku_id, min(valid_from) as changed_from
    from {{ ref('int_stock__sku_states') }}
    where {{ is_new() }}
    group by stock_date, sku_id
),

style_changes as (
    select stock_date, style_id, min(valid_from) as changed_from
    from {{ ref('int_stock__style_states') }}
    where {{ is_new() }}
    group by stock_date, style_id
)

select event_date as view_date, event_id as view_id, event_ts as view_ts, style_id, sku_id from new_views
union
select views.event_date, views.event_id, views.event_ts, views.style_id, views.sku_id
from views
inner join sku_changes
    on views.event_date = sku_changes.stock_date and views.sku_id = sku_changes.sku_id
        and views.event_ts >= sku_changes.changed_from
union
select views.event_date, views.event_id, views.event_ts, views.style_id, views.sku_id
from views
inner join style_changes
    on views.event_date = style_changes.stock_date and views.style_id = style_changes.style_id
        and views.event_ts >= style_changes.changed_from
where views.sku_id is null
