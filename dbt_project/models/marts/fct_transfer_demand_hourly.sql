-- The pickup views that wanted a SKU that was in stock and not in their store. Sums exactly to elsewhere_views.
{{ config(
    unique_key=['view_hour', 'store_id', 'style_id', 'sku_id'],
    index=primary_index(['view_hour', 'store_id', 'style_id', 'sku_id'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_pickup_hours'},
) }}

with parts as (
    select * from {{ ref('int_pickup__store_parts') }}
    where {{ within('changed_pickup_hours', ['view_date', 'view_hour', 'store_id', 'style_id']) }}
)

select view_hour, store_id, style_id, sku_id,
    cast(sum(cast(elsewhere_share as decimal(18, 6))) as decimal(18, 6)) as wanted_views,
    {{ load_id() }} as load_id
from parts
group by view_hour, store_id, style_id, sku_id
