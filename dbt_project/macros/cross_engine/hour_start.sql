{#- hour_start(timestamp): the first instant of its hour, as a timestamp.
    DuckDB: date_trunc. Teradata: TRUNC(ts, 'HH') cuts to the hour but returns timestamp(0), so it
    is cast back; dbt's own date_trunc casts to a date there and loses the hour. -#}
{% macro hour_start(timestamp) -%}
  {{ return(adapter.dispatch('hour_start', 'twist')(timestamp)) }}
{%- endmacro %}

{% macro default__hour_start(timestamp) %}{{ unsupported_engine('hour_start') }}{% endmacro %}
{% macro duckdb__hour_start(timestamp) %}{{ return("date_trunc('hour', " ~ timestamp ~ ")") }}{% endmacro %}
{% macro teradata__hour_start(timestamp) %}{{ return("cast(trunc(" ~ timestamp ~ ", 'HH') as timestamp(6))") }}{% endmacro %}
