-- The share of a style's size curve in stock over time: one row at each instant at which one of its
-- SKUs flipped, so that no SKU of the style flips within a row's time.
{{ config(
    unique_key=['stock_date', 'style_id', 'valid_from'],
    index=primary_index(['stock_date', 'style_id', 'valid_from'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_style_days'},
) }}

with intervals as (
    {{ stock_intervals('changed_style_days', 'stock_date') }}
),

instants as (
    select distinct stock_date, style_id, valid_from from intervals
    {%- if is_incremental() %}
    union
    select stock_date, style_id, valid_from from {{ this }}
    where {{ within('changed_style_days', ['stock_date', 'style_id']) }}
    {%- endif %}
),

states as (
    select instants.stock_date, instants.style_id, instants.valid_from,
        sum(cast(
            case when intervals.in_stock = 1 then intervals.size_share else 0 end as decimal(18, 6)
        )) as in_stock_share,
        sum(cast(coalesce(intervals.size_share, 0) as decimal(18, 6))) as known_share
    from instants
    left join intervals
        on instants.stock_date = intervals.stock_date and instants.style_id = intervals.style_id
            and instants.valid_from >= intervals.valid_from and instants.valid_from < intervals.valid_to
    group by instants.stock_date, instants.style_id, instants.valid_from
)

select
    stock_date, style_id, valid_from,
    cast(in_stock_share as decimal(7, 6)) as in_stock_share,
    cast(known_share as decimal(7, 6)) as known_share,
    {{ load_id() }} as load_id
from states
