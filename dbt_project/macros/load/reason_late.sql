{#- The reason of a line in audit.late_events. -#}
{% macro reason_late() -%}
  cast('its event day is more than {{ setting('late_days') }} days before its arrival' as {{ text_type(512) }})
{%- endmacro %}
