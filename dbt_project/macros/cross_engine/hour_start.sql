{#- hour_start(timestamp): the first instant of its hour, as a timestamp.
    DuckDB: date_trunc. Teradata: midnight and the hours since; TRUNC(ts, 'HH') returns a date there
    by default, as does dbt's own date_trunc, and the hour is silently lost. -#}
{% macro hour_start(timestamp) -%}
  {{ return(adapter.dispatch('hour_start', 'twist')(timestamp)) }}
{%- endmacro %}

{% macro default__hour_start(timestamp) %}{{ unsupported_engine('hour_start') }}{% endmacro %}
{% macro duckdb__hour_start(timestamp) %}{{ return("date_trunc('hour', " ~ timestamp ~ ")") }}{% endmacro %}
{% macro teradata__hour_start(timestamp) %}{{ return("cast(cast(" ~ timestamp ~ " as date) as timestamp(6)) + extract(hour from " ~ timestamp ~ ") * interval '1' hour") }}{% endmacro %}
