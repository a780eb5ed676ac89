{#- event_hash(event_id): a number that equal ids share, and few others. Copies of an event are looked
    for by it first, as numbers are compared several times faster than texts.
    DuckDB's hash may change with its version: a test pins it, and a change raises `layout`. -#}
{% macro event_hash(event_id) -%}
  {{ return(adapter.dispatch('event_hash', 'twist')(event_id)) }}
{%- endmacro %}

{% macro default__event_hash(event_id) %}{{ unsupported_engine('event_hash') }}{% endmacro %}
{% macro duckdb__event_hash(event_id) %}{{ return("cast(hash(" ~ event_id ~ ") >> 1 as bigint)") }}{% endmacro %}
{% macro teradata__event_hash(event_id) %}{{ return("cast(hashbucket(hashrow(" ~ event_id ~ ")) as bigint)") }}{% endmacro %}
