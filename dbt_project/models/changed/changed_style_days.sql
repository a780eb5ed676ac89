-- Styles with a SKU that came into stock or went out of it, or with another size curve, and from when
-- on. A change of the style's share is not enough: if two SKUs swap, the share stays the same.
{{ config(index=primary_index(['stock_date', 'style_id'])) }}

with flips as (
    select * from {{ ref('int_stock__sku_flips') }} where {{ is_new() }}
),

curves as (
    select * from {{ ref('int_catalog__size_shares') }}
),

new_curves as (
    select * from {{ ref('int_catalog__size_shares') }} where {{ is_new() }}
),

changes as (
    select curves.stock_date, curves.style_id, flips.valid_from as changed_from
    from flips
    inner join curves on flips.stock_date = curves.stock_date and flips.sku_id = curves.sku_id
    union all
    select stock_date, style_id, cast(stock_date as timestamp(6)) as changed_from from new_curves
)

select stock_date, style_id, min(changed_from) as changed_from
from changes
group by stock_date, style_id
