-- Each human product view, and what share of the product could be bought at that moment. A view that is judged
-- again keeps the columns of its event that it was published with: they are not read again.
{%- set event_columns = [
    'channel',
    'session_id',
    'visitor_id',
] %}
{{ config(
    unique_key=['view_date', 'view_id'],
    merge_exclude_columns=['view_ts', 'view_hour', 'style_id', 'sku_id', 'fulfilment', 'store_id'] + event_columns,
    index=primary_index(['view_date', 'view_id'], day='view_date'),
    partitioned_by='view_date',
    recomputed={'by': 'changed_views', 'first': ['view_date', 'view_id'], 'first_where': 'is_first = 1'},
    meta={'bounds': ['view_ts']},
) }}
{%- set product_views %}
    {%- if narrows('changed_views') %}
    select changed_views.*, new_views.{{ event_columns | join(', new_views.') }}
    from (select * from {{ ref('changed_views') }}) as changed_views
    left join (select * from {{ ref('stg_clickstream__events') }} where {{ is_new() }}) as new_views
        on changed_views.view_date = new_views.event_date and changed_views.view_id = new_views.event_id
    {%- else %}
    select event_date as view_date, event_id as view_id, event_ts as view_ts, {{ hour_start('event_ts') }} as view_hour,
        style_id, sku_id, fulfilment, store_id, {{ event_columns | join(', ') }}
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1
    {%- endif %}
{%- endset %}

with views as (
    select
        product_views.*,
        case when sku_id is null then 1 else 0 end as is_style,
        coalesce(sku_id, style_id) as product_id
    from ({{ product_views }}
    ) as product_views
),

hours as (
    {%- if narrows('changed_views') %}
    select distinct view_date, view_hour from {{ ref('changed_views') }}
    {%- else %}
    select distinct event_date as view_date, {{ hour_start('event_ts') }} as view_hour
    from {{ ref('stg_clickstream__events') }}
    where event_type = 'product_view' and is_human = 1
    {%- endif %}
),

-- A view with a SKU is judged by the SKU, one without by its style's size curve.
states as (
    select stock_date, 0 as is_style, sku_id as product_id, valid_from, network_qty,
        cast(in_stock as decimal(7, 6)) as in_stock_share, cast(1 as decimal(7, 6)) as known_share
    from {{ ref('int_stock__sku_states') }}
    where {{ within('changed_views', ['view_date', 'sku_id'], ['stock_date', 'sku_id']) }}
    union all
    select stock_date, 1 as is_style, style_id as product_id, valid_from,
        cast(null as bigint) as network_qty, in_stock_share, known_share
    from {{ ref('int_stock__style_states') }}
    where {{ within('changed_views', ['view_date', 'style_id'], ['stock_date', 'style_id']) }}
),

periods as (
    select
        states.*,
        lead(valid_from, 1, cast(stock_date + interval '1' day as timestamp(6))) over (
            partition by stock_date, is_style, product_id order by valid_from nulls first
        ) as valid_to
    from states
),

-- Under each hour that it touches, so that views are joined by product and hour, and sorted nowhere.
state_hours as (
    select periods.*, hours.view_hour
    from periods
    inner join hours
        on periods.stock_date = hours.view_date
            and periods.valid_from < hours.view_hour + interval '1' hour and periods.valid_to > hours.view_hour
),

at_store as (
    select view_date, view_id, sum(cast(store_share as decimal(18, 6))) as store_share
    from {{ ref('int_pickup__store_parts') }}
    where {{ within('changed_views', ['view_date', 'view_hour', 'view_id']) }}
    group by view_date, view_id
)

select
    views.view_date,
    views.view_id,
    views.view_ts,
    views.view_hour,
    views.style_id,
    views.sku_id,
    views.fulfilment,
    views.store_id,
    views.{{ event_columns | join(', views.') }},
    cast(coalesce(state_hours.in_stock_share, 0) as decimal(7, 6)) as in_stock_share,
    cast(coalesce(state_hours.known_share, 0) - coalesce(state_hours.in_stock_share, 0) as decimal(7, 6)) as out_of_stock_share,
    cast(1 - coalesce(state_hours.known_share, 0) as decimal(7, 6)) as unknown_share,
    state_hours.network_qty,
    cast(case
        when views.fulfilment = 'pickup' and views.store_id is not null then coalesce(at_store.store_share, 0)
    end as decimal(7, 6)) as store_share,
    state_hours.valid_from as state_from,
    {{ load_id() }} as load_id
from views
left join state_hours
    on views.product_id = state_hours.product_id and views.is_style = state_hours.is_style
        and views.view_hour = state_hours.view_hour
        and views.view_ts >= state_hours.valid_from and views.view_ts < state_hours.valid_to
left join at_store on views.view_date = at_store.view_date and views.view_id = at_store.view_id
