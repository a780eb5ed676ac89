{#- column_type(data_type): a type from the YAML files, translated for the engine.
    DuckDB: the same. Teradata: texts name their character set (see text_type). -#}
{% macro column_type(data_type) -%}
  {{ return(adapter.dispatch('column_type', 'twist')(data_type)) }}
{%- endmacro %}

{% macro default__column_type(data_type) %}{{ unsupported_engine('column_type') }}{% endmacro %}
{% macro duckdb__column_type(data_type) %}{{ return(data_type) }}{% endmacro %}

{% macro teradata__column_type(data_type) -%}
  {%- if data_type.startswith('varchar') -%}{{ return(data_type ~ ' character set unicode') }}{%- endif -%}
  {{ return('double precision' if data_type == 'double' else data_type) }}
{%- endmacro %}

{#- dbt's own macro, for the tables of models under contract. -#}
{% macro teradata__get_table_columns_and_constraints() -%}
(
    {%- for column in model.columns.values() %}
    {{ column.name }} {{ column_type(column.data_type) }}{{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
