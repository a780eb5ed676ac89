{#- dbt quotes the database name here, and its adapter compares the quotes too: it found no schema
    and created all of them again at the start of every run. -#}
{% macro duckdb__list_schemas(database) -%}
  {{ return(run_query("select schema_name from system.information_schema.schemata where lower(catalog_name) = '"
      ~ database | replace('"', '') | lower ~ "'")) }}
{%- endmacro %}
