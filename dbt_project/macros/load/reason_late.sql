{#- What audit.late_events says of a line. -#}
{% macro reason_late() -%}
  cast('its event day is more than {{ setting('late_days') }} days before its arrival' as {{ text_type(512) }})
{%- endmacro %}
