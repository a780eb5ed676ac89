{#- seconds_between(earlier, later): whole seconds from one timestamp to another, as a bigint.
    DuckDB: date_diff counts boundaries, so the difference in microseconds is truncated. Teradata: an
    interval of seconds overflows past 9,999 (7453), so days and the time of day are computed
    separately, and truncated after the subtraction. -#}
{% macro seconds_between(earlier, later) -%}
  {{ return(adapter.dispatch('seconds_between', 'twist')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) %}{{ unsupported_engine('seconds_between') }}{% endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
  {{ return("(epoch_us(" ~ later ~ ") - epoch_us(" ~ earlier ~ ")) // 1000000") }}
{%- endmacro %}

{% macro teradata__seconds_between(earlier, later) -%}
  {%- set seconds = [] -%}
  {%- for ts in [later, earlier] -%}
    {%- do seconds.append(
        "(cast(cast(" ~ ts ~ " as date) - date '2000-01-01' as bigint) * 86400"
        ~ " + cast(extract(hour from " ~ ts ~ ") as bigint) * 3600"
        ~ " + cast(extract(minute from " ~ ts ~ ") as bigint) * 60"
        ~ " + cast(extract(second from " ~ ts ~ ") as decimal(18, 6)))") -%}
  {%- endfor -%}
  {{ return("cast(" ~ (seconds | join(' - ')) ~ " as bigint)") }}
{%- endmacro %}
