{#- epoch_milliseconds(number): the timestamp (UTC) that many milliseconds after 1970-01-01.
    DuckDB: make_timestamp_ms. Teradata: days and seconds are added as separate intervals: an
    interval of seconds holds only four digits. -#}
{% macro epoch_milliseconds(number) -%}
  {{ return(adapter.dispatch('epoch_milliseconds', 'twist')(number)) }}
{%- endmacro %}

{% macro default__epoch_milliseconds(number) %}{{ unsupported_engine('epoch_milliseconds') }}{% endmacro %}
{% macro duckdb__epoch_milliseconds(number) %}{{ return("make_timestamp_ms(" ~ number ~ ")") }}{% endmacro %}

{% macro teradata__epoch_milliseconds(number) -%}
  {{ return("cast(date '1970-01-01' + cast(cast(" ~ number ~ " as bigint) / cast(86400000 as bigint) as integer) as timestamp(6))"
      ~ " + numtodsinterval(cast(cast(" ~ number ~ " as bigint) mod 86400000 as decimal(18, 3)) * 0.001, 'SECOND')") }}
{%- endmacro %}
