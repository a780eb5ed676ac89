{#- try_bigint(text): a whole number written without point or exponent, else null.
    DuckDB: the text is JSON as DuckDB writes it; its cast accepts '5.0' and '5e0' as 5.
    Teradata: TRYCAST with an equivalent check. -#}
{% macro try_bigint(text) -%}
  {{ return(adapter.dispatch('try_bigint', 'twist')(text)) }}
{%- endmacro %}

{% macro default__try_bigint(text) %}{{ unsupported_engine('try_bigint') }}{% endmacro %}

{% macro duckdb__try_bigint(text) -%}
  {{ return("case when not contains(" ~ text ~ ", '.') and not contains(" ~ text ~ ", 'e') then try_cast(" ~ text ~ " as bigint) end") }}
{%- endmacro %}

{% macro teradata__try_bigint(text) -%}
  {{ return("case when regexp_similar(" ~ text ~ ", '-?(0|[1-9][0-9]{0,18})', 'c') = 1 then trycast(" ~ text ~ " as bigint) end") }}
{%- endmacro %}

{#- try_double(text): any JSON number, else null (too large ones too). -#}
{% macro try_double(text) -%}
  {{ return(adapter.dispatch('try_double', 'twist')(text)) }}
{%- endmacro %}

{% macro default__try_double(text) %}{{ unsupported_engine('try_double') }}{% endmacro %}
{% macro duckdb__try_double(text) %}{{ return("case when isfinite(try_cast(" ~ text ~ " as double)) then try_cast(" ~ text ~ " as double) end") }}{% endmacro %}
{% macro teradata__try_double(text) %}{{ return("trycast(" ~ text ~ " as double precision)") }}{% endmacro %}

{#- try_share(text): a number above 0 and at most 1, rounded half up to millionths, as
    decimal(7,6); else null. DuckDB rounds a decimal half away from zero, which is half
    up here. Teradata rounds half to even, so half a millionth is added and the rest truncated. -#}
{% macro try_share(text) -%}
  {{ return(adapter.dispatch('try_share', 'twist')(text)) }}
{%- endmacro %}

{% macro default__try_share(text) %}{{ unsupported_engine('try_share') }}{% endmacro %}

{% macro duckdb__try_share(text) -%}
  {%- set exact = "try_cast(" ~ text ~ " as decimal(38, 36))" -%}
  {{ return("case when " ~ exact ~ " between 0 and 1 and try_cast(" ~ text ~ " as double) > 0 then cast(" ~ exact ~ " as decimal(7, 6)) end") }}
{%- endmacro %}

{% macro teradata__try_share(text) -%}
  {%- set exact = "trycast(" ~ text ~ " as decimal(38, 36))" -%}
  {{ return("case when trycast(" ~ text ~ " as double precision) > 0 and " ~ exact ~ " <= 1 then cast(trunc(" ~ exact ~ " + 0.0000005, 6) as decimal(7, 6)) end") }}
{%- endmacro %}
