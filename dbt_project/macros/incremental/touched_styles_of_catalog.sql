{#- touched_styles_of_catalog(): for int_catalog__size_shares: all styles of a day that opened, and
    on every open day that a changed version covers, the style the SKU is in and the one it was in. -#}
{% macro touched_styles_of_catalog() -%}
  {%- set days, versions = ref('int_calendar__open_days'), ref('int_catalog__sku_versions') -%}
  {%- set queries = [
    "select opened.open_date as stock_date, covering.style_id from (" ~ changed(days) ~ ") as opened inner join (select * from " ~ versions
      ~ ") as covering on opened.open_date >= covering.valid_from and opened.open_date < covering.valid_to",
    "select covered.open_date as stock_date, arrived.style_id from (select * from " ~ days ~ ") as covered inner join (" ~ changed(versions)
      ~ ") as arrived on covered.open_date >= arrived.valid_from and covered.open_date < arrived.valid_to",
    "select in_curve.stock_date, in_curve.style_id from (select * from " ~ this ~ ") as in_curve inner join (" ~ changed(versions)
      ~ ") as moved on in_curve.sku_id = moved.sku_id and in_curve.stock_date >= moved.valid_from"
      ~ " and in_curve.stock_date < moved.valid_to",
  ] -%}
  {{ return(touched_keys(['stock_date', 'style_id'], queries)) }}
{%- endmacro %}
