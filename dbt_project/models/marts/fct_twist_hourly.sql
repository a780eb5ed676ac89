-- Traffic and its three parts by hour, style, SKU ('' where none was chosen) and channel.
{{ config(
    unique_key=['view_hour', 'style_id', 'sku_id', 'channel'],
    index=primary_index(['view_hour', 'style_id', 'sku_id', 'channel'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_view_hours'},
) }}

with views as (
    select * from {{ ref('fct_twist') }}
    where {{ within('changed_view_hours', ['view_date', 'view_hour', 'style_id']) }}
)

select
    view_hour,
    style_id,
    coalesce(sku_id, '') as sku_id,
    channel,
    cast(count(*) as bigint) as views,
    cast(sum(cast(in_stock_share as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
    cast(sum(cast(out_of_stock_share as decimal(18, 6))) as decimal(18, 6)) as out_of_stock_views,
    cast(sum(cast(unknown_share as decimal(18, 6))) as decimal(18, 6)) as unknown_views,
    {{ load_id() }} as load_id
from views
group by view_hour, style_id, coalesce(sku_id, ''), channel
