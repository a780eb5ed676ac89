{#- dbt run-operation open_connection: for the loader, which queries the same connection. -#}
{% macro open_connection() %}{% do run_query('select 1') %}{% endmacro %}
