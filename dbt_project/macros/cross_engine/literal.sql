{#- literal(value): a date, a timestamp or a text that a query returned, as a SQL literal. -#}
{% macro literal(value) -%}
  {%- if value.hour is defined -%}
    {{ return("timestamp '" ~ value.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "'") }}
  {%- elif value.year is defined -%}
    {{ return("date '" ~ value.strftime('%Y-%m-%d') ~ "'") }}
  {%- endif -%}
  {{ return("'" ~ (value | string).replace("'", "''") ~ "'") }}
{%- endmacro %}
