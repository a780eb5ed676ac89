{#- text_type(length): the type of a text of at most `length` characters.
    DuckDB: varchar (no length limit; the load models enforce it). Teradata: a VARCHAR needs its
    length, and its character set, or non-Latin names fail with 6706. -#}
{% macro text_type(length) -%}
  {{ return(adapter.dispatch('text_type', 'twist')(length)) }}
{%- endmacro %}

{% macro default__text_type(length) %}{{ unsupported_engine('text_type') }}{% endmacro %}
{% macro duckdb__text_type(length) %}{{ return('varchar') }}{% endmacro %}
{% macro teradata__text_type(length) %}{{ return('varchar(' ~ length ~ ') character set unicode') }}{% endmacro %}
