{#- The schema of a model. DuckDB: `marts`. Teradata, where a schema is a database:
    `<TWIST_DB_PREFIX>_marts`. The obvious fix (dbt's default) gives `main_marts`. The tables of `load`
    are temporary on DuckDB, whose only schema for these is `main`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- if custom_schema_name is none -%} {{ target.schema }}
  {%- elif target.type == 'teradata' -%} {{ target.schema }}_{{ custom_schema_name | trim }}
  {%- elif custom_schema_name == 'load' and target.type == 'duckdb' -%} main
  {%- else -%} {{ custom_schema_name | trim }}
  {%- endif -%}
{%- endmacro %}
