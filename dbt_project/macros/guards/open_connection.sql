{#- dbt run-operation open_connection: for the loader, which asks the same connection questions. -#}
{% macro open_connection() %}{% do run_query('select 1') %}{% endmacro %}
