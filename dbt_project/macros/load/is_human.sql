{#- is_human(user_agent): 1 unless the user agent contains one of the bot patterns, in any case. -#}
{% macro is_human(user_agent) -%}
  case
    {%- for pattern in (setting('bot_patterns') | string).split(',') %}
    when lower({{ user_agent }}) like '%{{ pattern | trim }}%' then 0
    {%- endfor %}
    else 1
  end
{%- endmacro %}
