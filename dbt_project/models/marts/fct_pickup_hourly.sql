-- Pickup views that name a store, and their four parts, by hour, store, style and SKU ('' where none was chosen).
{{ config(
    unique_key=['view_hour', 'store_id', 'style_id', 'sku_id'],
    index=primary_index(['view_hour', 'store_id', 'style_id', 'sku_id'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_view_hours'},
) }}

with views as (
    select * from {{ ref('fct_twist') }}
    where store_share is not null
        and {{ within('changed_view_hours', ['view_date', 'view_hour', 'store_id', 'style_id']) }}
)

select
    view_hour,
    store_id,
    style_id,
    coalesce(sku_id, '') as sku_id,
    cast(count(*) as bigint) as views,
    cast(sum(cast(store_share as decimal(18, 6))) as decimal(18, 6)) as store_views,
    cast(sum(cast(in_stock_share - store_share as decimal(18, 6))) as decimal(18, 6)) as elsewhere_views,
    cast(sum(cast(out_of_stock_share as decimal(18, 6))) as decimal(18, 6)) as nowhere_views,
    cast(sum(cast(unknown_share as decimal(18, 6))) as decimal(18, 6)) as unknown_views,
    {{ load_id() }} as load_id
from views
group by view_hour, store_id, style_id, coalesce(sku_id, '')
