{#- load_id(): the stamp of the rows that the running model writes: one more than any stamp given
    so far. Downstream models take up rows whose stamp is above their own last one, so a model that
    is rebuilt by hand, or killed half-way, is picked up by the next run without being told. -#}
{% macro load_id() -%}
  (select cast(coalesce(max(load_id), 0) + 1 as bigint) from {{ source('warehouse', 'watermarks') }})
{%- endmacro %}
