{#- whole_quotient(dividend, divisor): the quotient of two bigints, truncated to a
    whole number. DuckDB: `//` (its `/` gives a double). Teradata: `/` truncates. -#}
{% macro whole_quotient(dividend, divisor) -%}
  {{ return(adapter.dispatch('whole_quotient', 'twist')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) %}{{ unsupported_engine('whole_quotient') }}{% endmacro %}
{% macro duckdb__whole_quotient(dividend, divisor) %}{{ return("(" ~ dividend ~ ") // (" ~ divisor ~ ")") }}{% endmacro %}
{% macro teradata__whole_quotient(dividend, divisor) %}{{ return("cast(cast(" ~ dividend ~ " as bigint) / cast(" ~ divisor ~ " as bigint) as bigint)") }}{% endmacro %}
