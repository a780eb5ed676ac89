{#- touched_styles_of_catalog(): for int_catalog__size_shares: all styles of a day that opened, and
    on every open day that a changed version covers, the style the SKU is in and the one it was in. -#}
{% macro touched_styles_of_catalog() -%}
  {%- set days, versions = ref('int_calendar__open_days'), ref('int_catalog__sku_versions') -%}
  {%- set covered -%}
    from (select * from {{ days }}) as open_days
    inner join (select * from {{ versions }}) as versions
        on open_days.open_date >= versions.valid_from and open_days.open_date < versions.valid_to
  {%- endset -%}
  {%- set queries = [
    "select open_days.open_date as stock_date, versions.style_id " ~ covered ~ " where open_days.load_id > " ~ last_load(),
    "select open_days.open_date as stock_date, versions.style_id " ~ covered ~ " where versions.load_id > " ~ last_load(),
    "select standing.stock_date, standing.style_id from (select * from " ~ this ~ ") as standing inner join (select * from " ~ versions
      ~ ") as versions on standing.sku_id = versions.sku_id and standing.stock_date >= versions.valid_from"
      ~ " and standing.stock_date < versions.valid_to where versions.load_id > " ~ last_load(),
  ] -%}
  {{ return(touched_keys(['stock_date', 'style_id'], queries)) }}
{%- endmacro %}
