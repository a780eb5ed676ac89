-- Each stock-out on each open day on which it lasts or ends, as it was at the end of that day.
{{ config(
    access='protected',
    unique_key=['stock_date', 'sku_id', 'out_from'],
    index=primary_index(['stock_date', 'sku_id', 'out_from'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_stockouts', 'keys': ['stock_date', 'sku_id']},
    zero_when_gone={'out_until': none, 'cause': "''", 'returned_by': "''", 'qty_before': none, 'lost_views': 0, 'is_listed': 0},
) }}

with flips as (
    select * from {{ ref('int_stock__sku_flips') }}
    where {{ not_before('changed_stockouts', 'held_date', 'stock_date') }} and {{ within('changed_stockouts', ['sku_id']) }}
),

lost as (
    select sku_id, out_at, sum(cast(lost_views as decimal(18, 6))) as lost_views
    from {{ ref('lost_demand_by_state') }}
    where {{ not_before('changed_stockouts', 'stock_date', 'view_hour', 'timestamp(6)') }} and {{ within('changed_stockouts', ['sku_id']) }}
    group by sku_id, out_at
),

-- In an incremental run: the stock-outs that last into the first day that is computed again.
carried as (
    {%- if narrows('changed_stockouts') %}
    select published.sku_id, published.out_from, published.cause, published.qty_before, published.lost_views
    from (
        select * from {{ this }}
        where {{ not_before('changed_stockouts', 'held_date', 'stock_date') }} and is_listed = 1 and out_until is null
    ) as published
    inner join (
        select sku_id, held_date, min(stock_date) as first_date from {{ ref('changed_stockouts') }} group by sku_id, held_date
    ) as held
        on published.sku_id = held.sku_id and published.stock_date = held.held_date and held.held_date < held.first_date
    {%- else %}
    select sku_id, valid_from as out_from, change_reason as cause, qty_before, cast(0 as decimal(18, 6)) as lost_views
    from flips where 1 = 0
    {%- endif %}
),

compared as (
    select flips.*,
        lag(in_stock) over (partition by sku_id order by valid_from nulls first) as in_stock_before,
        lead(valid_from, 1, cast(timestamp '9999-12-31 00:00:00' as timestamp(6))) over (
            partition by sku_id order by valid_from nulls first
        ) as valid_to
    from flips
),

changes as (
    select compared.*,
        case when in_stock = 0 and coalesce(in_stock_before, 1) = 1 then 1 else 0 end as is_start,
        case when in_stock = 1 and in_stock_before = 0 then 1 else 0 end as is_end
    from compared
    where {{ within('changed_stockouts', ['stock_date', 'sku_id']) }}
),

-- 0: the carried one
numbered as (
    select changes.*,
        sum(cast(is_start as bigint)) over (partition by sku_id order by valid_from nulls first rows unbounded preceding) as stockout
    from changes
),

days as (
    select numbered.stock_date, numbered.sku_id, numbered.stockout,
        max(case when numbered.is_start = 1 then numbered.valid_from end) as out_from,
        max(case when numbered.is_end = 1 then numbered.valid_from end) as out_until,
        max(case
            when numbered.is_start = 1 and numbered.in_stock_before is null then 'first_known'
            when numbered.is_start = 1 then numbered.change_reason
        end) as cause,
        max(case when numbered.is_end = 1 then numbered.change_reason end) as returned_by,
        max(case when numbered.is_start = 1 and numbered.in_stock_before is not null then numbered.qty_before end) as qty_before,
        sum(cast(coalesce(lost.lost_views, 0) as decimal(18, 6))) as lost_views
    from numbered
    left join lost
        on numbered.sku_id = lost.sku_id and lost.out_at >= numbered.valid_from and lost.out_at < numbered.valid_to
    where numbered.in_stock = 0 or numbered.is_end = 1
    group by numbered.stock_date, numbered.sku_id, numbered.stockout
)

select days.stock_date, days.sku_id,
    cast(coalesce(carried.out_from, max(days.out_from) over (partition by days.sku_id, days.stockout)) as timestamp(6)) as out_from,
    cast(days.out_until as timestamp(6)) as out_until,
    coalesce(carried.cause, max(days.cause) over (partition by days.sku_id, days.stockout)) as cause,
    coalesce(days.returned_by, '') as returned_by,
    cast(coalesce(carried.qty_before, max(days.qty_before) over (partition by days.sku_id, days.stockout)) as bigint) as qty_before,
    cast(coalesce(carried.lost_views, 0) + sum(cast(days.lost_views as decimal(18, 6))) over (
        partition by days.sku_id, days.stockout order by days.stock_date nulls first rows unbounded preceding
    ) as decimal(18, 6)) as lost_views,
    cast(1 as smallint) as is_listed,
    {{ load_id() }} as load_id
from days
left join carried on case when days.stockout = 0 then days.sku_id end = carried.sku_id
