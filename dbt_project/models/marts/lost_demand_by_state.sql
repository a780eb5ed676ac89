-- The views that each SKU lost by being out of stock, by hour and by a moment of the stock-out at which it
-- was out: the time from which the state that they met holds.
{{ config(
    access='protected',
    unique_key=['view_hour', 'style_id', 'sku_id', 'out_at'],
    index=primary_index(['view_hour', 'style_id', 'sku_id', 'out_at'], day='view_hour', kind='timestamp'),
    partitioned_by='year(view_hour), month(view_hour), day(view_hour)',
    recomputed={'by': 'changed_lost_hours', 'keys': ['view_hour', 'style_id']},
    zero_when_gone={'lost_views': 0},
) }}

with views as (
    select * from {{ ref('fct_twist') }}
    where {{ within('changed_lost_hours', ['view_date', 'view_hour', 'style_id']) }}
),

intervals as (
    {{ stock_intervals('changed_lost_hours', 'view_date') }}
),

-- No SKU of a style flips between a view's state_from and the view, so views are first counted by
-- state and only then joined with the SKUs that were out of stock in it.
views_by_state as (
    select view_date, view_hour, style_id, state_from, cast(count(*) as bigint) as views
    from views
    where sku_id is null and state_from is not null
    group by view_date, view_hour, style_id, state_from
),

lost as (
    select view_hour, style_id, sku_id, state_from as out_at, cast(out_of_stock_share as decimal(18, 6)) as lost_views
    from views
    where sku_id is not null and out_of_stock_share > 0
    union all
    select
        views_by_state.view_hour, views_by_state.style_id, intervals.sku_id, intervals.valid_from as out_at,
        cast(views_by_state.views * intervals.size_share as decimal(18, 6)) as lost_views
    from views_by_state
    inner join intervals
        on views_by_state.view_date = intervals.stock_date and views_by_state.style_id = intervals.style_id
            and views_by_state.state_from >= intervals.valid_from and views_by_state.state_from < intervals.valid_to
    where intervals.in_stock = 0 and intervals.size_share > 0
)

select view_hour, style_id, sku_id, out_at,
    cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views,
    {{ load_id() }} as load_id
from lost
group by view_hour, style_id, sku_id, out_at
