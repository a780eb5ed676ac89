{#- touched_catalog(): for int_catalog__sku_versions. Versions change from the earliest counts_from
    of the new rows on, for their SKUs; the version before them replaces all older rows.
    Returns {cte, rows}: rows are the catalog rows (of the touched SKUs) to compute versions from. -#}
{% macro touched_catalog() -%}
  {%- set staged = ref('stg_catalog__skus') -%}
  {%- set columns = 'counts_from, sku_id, style_id, brand, department, category, color, size, price, currency, size_share, is_active, event_ts, kafka_partition, kafka_offset, arrived_at' -%}
  {%- if not is_incremental() -%}
    {{ return({'cte': '', 'rows': 'select ' ~ columns ~ ' from ' ~ staged}) }}
  {%- endif -%}
  {%- set touched = touched_keys(['counts_from', 'sku_id'], ["select counts_from, sku_id from (" ~ changed(staged) ~ ") as arrived"]) -%}
  {%- set rows -%}
    select {{ columns }} from {{ staged }}
    where counts_from >= {{ touched.from_date }} and sku_id in (select sku_id from touched)
    union all
    select valid_from as {{ columns }} from {{ this }}
    where valid_from < {{ touched.from_date }} and valid_to >= {{ touched.from_date }}
      and sku_id in (select sku_id from touched)
  {%- endset -%}
  {{ return({'cte': touched.cte, 'rows': rows}) }}
{%- endmacro %}
