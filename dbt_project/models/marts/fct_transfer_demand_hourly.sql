-- The pickup views that wanted a SKU that was in stock and not in their store. Sums exactly to elsewhere_views.
{{ config(
    unique_key=['view_hour', 'store_id', 'style_id', 'sku_id'],
    index=primary_index(['view_hour', 'store_id', 'style_id', 'sku_id'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_pickup_hours', 'keys': ['view_hour', 'store_id', 'style_id']},
    zero_when_gone={'wanted_views': 0},
) }}

with views as (
    select * from {{ ref('fct_twist') }}
    where store_share is not null
        and {{ within('changed_pickup_hours', ['view_date', 'view_hour', 'store_id', 'style_id']) }}
),

intervals as (
    {{ stock_intervals('changed_pickup_hours', 'view_date') }}
),

-- No SKU of a style flips between a view's state_from and the view.
views_by_state as (
    select view_date, view_hour, store_id, style_id, state_from, cast(count(*) as bigint) as views
    from views
    where sku_id is null and in_stock_share > 0
    group by view_date, view_hour, store_id, style_id, state_from
),

-- What is in stock, less what the store holds of it.
wanted as (
    select view_hour, store_id, style_id, sku_id, cast(in_stock_share as decimal(18, 6)) as wanted_views
    from views
    where sku_id is not null and in_stock_share > 0
    union all
    select
        views_by_state.view_hour, views_by_state.store_id, views_by_state.style_id, intervals.sku_id,
        cast(views_by_state.views * intervals.size_share as decimal(18, 6)) as wanted_views
    from views_by_state
    inner join intervals
        on views_by_state.view_date = intervals.stock_date and views_by_state.style_id = intervals.style_id
            and views_by_state.state_from >= intervals.valid_from and views_by_state.state_from < intervals.valid_to
    where intervals.in_stock = 1 and intervals.size_share > 0
    union all
    select view_hour, store_id, style_id, sku_id, cast(0 - store_share as decimal(18, 6)) as wanted_views
    from {{ ref('int_pickup__store_parts') }}
    where {{ within('changed_pickup_hours', ['view_date', 'view_hour', 'store_id', 'style_id']) }}
)

select view_hour, store_id, style_id, sku_id,
    cast(sum(cast(wanted_views as decimal(18, 6))) as decimal(18, 6)) as wanted_views,
    {{ load_id() }} as load_id
from wanted
group by view_hour, store_id, style_id, sku_id
