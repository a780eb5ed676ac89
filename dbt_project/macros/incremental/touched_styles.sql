{#- touched_styles(): (stock_date, style_id, touched_from) of styles whose SKUs flipped or whose size
    curve changed since this model's last run; touched_from is the earliest instant concerned.
    A change of the style's share is not enough: if two SKUs swap, the share stays the same. -#}
{% macro touched_styles(name='touched') -%}
  {%- set shares = ref('int_catalog__size_shares') -%}
  {%- set queries = [
    "select curves.stock_date, curves.style_id, min(changed_flips.valid_from) as touched_from from ("
      ~ changed(ref('int_stock__sku_flips')) ~ ") as changed_flips inner join (select * from " ~ shares
      ~ ") as curves on changed_flips.stock_date = curves.stock_date and changed_flips.sku_id = curves.sku_id"
      ~ " group by curves.stock_date, curves.style_id",
    "select stock_date, style_id, cast(stock_date as timestamp(6)) as touched_from from ("
      ~ changed(shares) ~ ") as changed_shares",
  ] -%}
  {%- set touched = touched_keys(['stock_date', 'style_id'], queries, name) -%}
  {{ return(touched) }}
{%- endmacro %}

{#- stock_intervals(size_shares, touched): when each SKU of those styles was in or out of stock:
    stock_date, style_id, sku_id, size_share, in_stock, valid_from, valid_to (not included). -#}
{% macro stock_intervals(size_shares, touched) -%}
    select {{ size_shares }}.stock_date, {{ size_shares }}.style_id, {{ size_shares }}.sku_id, {{ size_shares }}.size_share,
        flips.in_stock, flips.valid_from,
        lead(flips.valid_from, 1, cast(flips.stock_date + interval '1' day as timestamp(6))) over (
            partition by {{ size_shares }}.stock_date, {{ size_shares }}.style_id, {{ size_shares }}.sku_id
            order by flips.valid_from nulls first
        ) as valid_to
    from {{ size_shares }}
    inner join (
        select * from {{ ref('int_stock__sku_flips') }}
        {%- if touched.from_date %} where stock_date >= {{ touched.from_date }}{% endif %}
    ) as flips
        on {{ size_shares }}.stock_date = flips.stock_date and {{ size_shares }}.sku_id = flips.sku_id
{%- endmacro %}
