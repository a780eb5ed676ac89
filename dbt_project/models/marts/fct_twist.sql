-- Each human product view, and what share of the product could be bought at that moment.
{{ config(
    unique_key=['view_date', 'view_id'],
    merge_exclude_columns=[
        'view_ts', 'view_hour', 'style_id', 'sku_id', 'channel', 'fulfilment', 'store_id', 'session_id', 'visitor_id',
    ],
    index=primary_index(['view_date', 'view_id'], day='view_date'),
    partitioned_by='view_date',
) }}
{%- set judged = views_to_judge() %}
{%- set as_of = 'partition by product_date, product_level, product_id'
    ~ ' order by happened_at nulls first, is_view nulls first rows unbounded preceding' %}

with {{ judged.cte }}
views as (
    {{ judged.rows }}
),

sku_states as (
    {{ sku_states_of(judged) }}
),

style_states as (
    {{ style_states_of(judged) }}
),

-- A view with a SKU is evaluated by the SKU, one without by its style's size curve. States and
-- views of a product form one timeline; a change at the same instant as a view comes before it.
timeline as (
    select
        stock_date as product_date,
        cast('sku' as {{ text_type(8) }}) as product_level,
        sku_id as product_id,
        valid_from as happened_at,
        0 as is_view,
        valid_from as state_from,
        network_qty,
        cast(in_stock as decimal(7, 6)) as in_stock_share,
        cast(1 as decimal(7, 6)) as known_share,
        cast(null as {{ text_type(128) }}) as view_id
    from sku_states
    union all
    select
        stock_date as product_date,
        cast('style' as {{ text_type(8) }}) as product_level,
        style_id as product_id,
        valid_from as happened_at,
        0 as is_view,
        valid_from as state_from,
        cast(null as bigint) as network_qty,
        in_stock_share,
        known_share,
        cast(null as {{ text_type(128) }}) as view_id
    from style_states
    union all
    select
        event_date as product_date,
        cast(case when sku_id is null then 'style' else 'sku' end as {{ text_type(8) }}) as product_level,
        coalesce(sku_id, style_id) as product_id,
        event_ts as happened_at,
        1 as is_view,
        cast(null as timestamp(6)) as state_from,
        cast(null as bigint) as network_qty,
        cast(null as decimal(7, 6)) as in_stock_share,
        cast(null as decimal(7, 6)) as known_share,
        event_id as view_id
    from views
),

looked_up as (
    select
        product_date, view_id, is_view,
        last_value(state_from ignore nulls) over (
            {{ as_of }}
        ) as state_from,
        last_value(network_qty ignore nulls) over (
            {{ as_of }}
        ) as network_qty,
        coalesce(last_value(in_stock_share ignore nulls) over (
            {{ as_of }}
        ), cast(0 as decimal(7, 6))) as in_stock_share,
        coalesce(last_value(known_share ignore nulls) over (
            {{ as_of }}
        ), cast(0 as decimal(7, 6))) as known_share
    from timeline
),

judged_views as (
    select * from looked_up where is_view = 1
)

select
    views.event_date as view_date,
    views.event_id as view_id,
    views.event_ts as view_ts,
    {{ hour_start('views.event_ts') }} as view_hour,
    views.style_id,
    views.sku_id,
    views.channel,
    views.fulfilment,
    views.store_id,
    views.session_id,
    views.visitor_id,
    cast(judged_views.in_stock_share as decimal(7, 6)) as in_stock_share,
    cast(judged_views.known_share - judged_views.in_stock_share as decimal(7, 6)) as out_of_stock_share,
    cast(1 - judged_views.known_share as decimal(7, 6)) as unknown_share,
    judged_views.network_qty,
    judged_views.state_from,
    {{ load_id() }} as load_id
from views
inner join judged_views
    on views.event_date = judged_views.product_date and views.event_id = judged_views.view_id
