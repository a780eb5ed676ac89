{#- iso_timestamp(text): `YYYY-MM-DDTHH:MM:SS[.1-6 digits]Z` as a timestamp (UTC), null where it is
    not exactly that or not a valid time. The engines' own casts accept far more (24:00:00, offsets,
    nine digits, other separators), so the shape is tested first. -#}
{% macro iso_timestamp(text) -%}
  {{ return(adapter.dispatch('iso_timestamp', 'twist')(text)) }}
{%- endmacro %}

{% macro iso_shape() -%}
  {{ return('[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?Z') }}
{%- endmacro %}

{% macro default__iso_timestamp(text) %}{{ unsupported_engine('iso_timestamp') }}{% endmacro %}

{% macro duckdb__iso_timestamp(text) -%}
  {{ return("case when regexp_full_match(" ~ text ~ ", '" ~ iso_shape() ~ "') and " ~ text ~ " >= '0001' then try_cast(" ~ text ~ " as timestamp) end") }}
{%- endmacro %}

{% macro teradata__iso_timestamp(text) -%}
  {{ return("case when regexp_similar(" ~ text ~ ", '" ~ iso_shape() ~ "', 'c') = 1 then trycast(oreplace(oreplace("
      ~ text ~ ", 'T', ' '), 'Z', '') as timestamp(6)) end") }}
{%- endmacro %}
