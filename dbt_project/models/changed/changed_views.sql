-- Views to judge: the new ones, and those of a product from the moment on at which its stock changed.
{{ config(index=primary_index(['view_date', 'view_id'])) }}

with views as (
    select event_date, event_id, event_ts, style_id, sku_id, load_id
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1
)

select event_date as view_date, event_id as view_id, event_ts as view_ts, style_id, sku_id
from views
where {{ is_new() }}
union
select of_skus.event_date, of_skus.event_id, of_skus.event_ts, of_skus.style_id, of_skus.sku_id
from (select * from views where {{ not_before('changed_sku_days', 'changed_from', 'event_ts') }}) as of_skus
inner join (select * from {{ rows_of('changed_sku_days') }}) as changed_skus
    on of_skus.event_date = changed_skus.stock_date and of_skus.sku_id = changed_skus.sku_id
        and of_skus.event_ts >= changed_skus.changed_from
union
select of_styles.event_date, of_styles.event_id, of_styles.event_ts, of_styles.style_id, of_styles.sku_id
from (select * from views where {{ not_before('changed_style_days', 'changed_from', 'event_ts') }}) as of_styles
inner join (select * from {{ rows_of('changed_style_days') }}) as changed_styles
    on of_styles.event_date = changed_styles.stock_date and of_styles.style_id = changed_styles.style_id
        and of_styles.event_ts >= changed_styles.changed_from
where of_styles.sku_id is null
