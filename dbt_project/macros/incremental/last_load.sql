{#- last_load(): the stamp that the running model last finished with, as a literal (so that files
    older than it are never opened); 0 on a first build and while compiling without a warehouse. -#}
{% macro last_load() -%}
  {%- if execute and is_incremental() -%}
    {%- set found = run_query("select coalesce(max(load_id), 0) from " ~ source('warehouse', 'watermarks')
        ~ " where model_name = '" ~ model.name ~ "'") -%}
    {{ return(found.rows[0][0] | int) }}
  {%- endif -%}
  {{ return(0) }}
{%- endmacro %}
