{#- The schema of a model. DuckDB: `marts`. Teradata, where a schema is a database:
    `<TWIST_DB_PREFIX>_marts`. The obvious fix (dbt's default) gives `main_marts`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- if custom_schema_name is none -%} {{ target.schema }}
  {%- elif target.type == 'teradata' -%} {{ target.schema }}_{{ custom_schema_name | trim }}
  {%- else -%} {{ custom_schema_name | trim }}
  {%- endif -%}
{%- endmacro %}
