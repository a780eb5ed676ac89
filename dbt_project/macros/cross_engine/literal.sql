{#- literal(value): a date, a timestamp or a text that a query returned, as a SQL literal. -#}
{% macro literal(value) -%}
  {%- if value.hour is defined -%}
    {{ return("timestamp '" ~ value.isoformat(' ', 'microseconds') ~ "'") }}
  {%- elif value.year is defined -%}
    {{ return("date '" ~ value.isoformat() ~ "'") }}
  {%- endif -%}
  {{ return("'" ~ (value | string).replace("'", "''") ~ "'") }}
{%- endmacro %}
