-- Each open day's size curves: the share of a style's demand that each of its active SKUs carries.
-- The shares of a style sum to exactly 1.
{{ config(
    unique_key=['stock_date', 'style_id', 'sku_id'],
    index=primary_index(['stock_date', 'style_id', 'sku_id'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_curves', 'keys': ['stock_date', 'style_id']},
    zero_when_gone={'size_share': 0},
) }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

versions as (
    select * from {{ ref('int_catalog__sku_versions') }}
),

members as (
    select open_days.open_date as stock_date, versions.style_id, versions.sku_id,
        cast(cast(versions.size_share as decimal(18, 6)) * 1000000 as bigint) as millionths
    from open_days
    inner join versions
        on open_days.open_date >= versions.valid_from and open_days.open_date < versions.valid_to
    where versions.is_active = 1
        and {{ within('changed_curves', ['stock_date', 'style_id'], ['open_days.open_date', 'versions.style_id']) }}
),

-- If any active SKU lacks a usable share, all sizes of the style weigh the same.
weighted as (
    select stock_date, style_id, sku_id,
        case
            when min(coalesce(millionths, 0)) over (partition by stock_date, style_id) >= 1 then millionths
            else cast(1 as bigint)
        end as weight
    from members
),

running as (
    select stock_date, style_id, sku_id,
        cast(sum(cast(weight as bigint)) over (
            partition by stock_date, style_id order by sku_id nulls first rows unbounded preceding
        ) as bigint) as weight_so_far,
        cast(sum(cast(weight as bigint)) over (partition by stock_date, style_id) as bigint) as weight_of_style
    from weighted
),

cumulated as (
    select stock_date, style_id, sku_id,
        {{ whole_quotient('cast(weight_so_far as bigint) * 1000000', 'weight_of_style') }} as millionths_so_far
    from running
),

shares as (
    select stock_date, style_id, sku_id,
        cast(cast(millionths_so_far - coalesce(lag(millionths_so_far) over (
            partition by stock_date, style_id order by sku_id nulls first
        ), 0) as decimal(18, 0)) * 0.000001 as decimal(7, 6)) as size_share
    from cumulated
)

select stock_date, style_id, sku_id, size_share, {{ load_id() }} as load_id from shares
