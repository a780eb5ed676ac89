{#- is_human(user_agent): 1 unless the user agent contains one of the bot patterns, in any case, after
    the exceptions (such as a make of phones) are taken out of it. -#}
{% macro is_human(user_agent) -%}
  {%- set agent = namespace(text='lower(' ~ user_agent ~ ')') -%}
  {%- set is_bot = has_bot_pattern(agent.text) -%}
  {%- for exception in (setting('bot_exceptions') | string).split(',') -%}
    {%- set agent.text = ('replace(' if target.type == 'duckdb' else 'oreplace(') ~ agent.text ~ ", '" ~ exception | trim ~ "', '')" -%}
  {%- endfor -%}
  case when {{ is_bot }} then case when {{ has_bot_pattern(agent.text) }} then 0 else 1 end else 1 end
{%- endmacro %}

{% macro has_bot_pattern(agent) -%}
  {%- set found = [] -%}
  {%- for pattern in (setting('bot_patterns') | string).split(',') -%}
    {%- do found.append(agent ~ " like '%" ~ pattern | trim ~ "%'") -%}
  {%- endfor -%}
  {{ return('(' ~ found | join(' or ') ~ ')') }}
{%- endmacro %}
