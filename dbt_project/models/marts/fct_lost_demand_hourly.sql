-- The views that each SKU lost by being out of stock. Sums exactly to out_of_stock_views.
{{ config(
    unique_key=['view_hour', 'style_id', 'sku_id'],
    index=primary_index(['view_hour', 'style_id', 'sku_id'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_lost_hours', 'keys': ['view_hour', 'style_id']},
) }}

with lost as (
    select * from {{ ref('lost_demand_by_state') }} where {{ within('changed_lost_hours', ['view_hour', 'style_id']) }}
)

select view_hour, style_id, sku_id,
    cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views,
    {{ load_id() }} as load_id
from lost
group by view_hour, style_id, sku_id
