{#- stock_intervals(changed, day): when each SKU of a style's size curve was in or out of stock: stock_date,
    style_id, sku_id, size_share, in_stock, valid_from, valid_to (not included). In an incremental run
    those of the styles and days of the table `changed`, whose day is the column `day`. -#}
{% macro stock_intervals(changed, day) -%}
    select curves.stock_date, curves.style_id, curves.sku_id, curves.size_share, flips.in_stock, flips.valid_from,
        lead(flips.valid_from, 1, cast(flips.stock_date + interval '1' day as timestamp(6))) over (
            partition by curves.stock_date, curves.style_id, curves.sku_id order by flips.valid_from nulls first
        ) as valid_to
    from (
        select * from {{ ref('int_catalog__size_shares') }}
        where {{ within(changed, [day, 'style_id'], ['stock_date', 'style_id']) }}
    ) as curves
    inner join (
        select * from {{ ref('int_stock__sku_flips') }} where {{ within(changed, [day], ['stock_date']) }}
    ) as flips
        on curves.stock_date = flips.stock_date and curves.sku_id = flips.sku_id
{%- endmacro %}
