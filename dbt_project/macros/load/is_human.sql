{#- found_bot_pattern(user_agent): the first of the bot patterns in it, likewise; null for a human.
    is_human(user_agent): 1 unless the user agent contains one of the bot patterns, in any case, after
    the exceptions (such as a make of phones) are taken out of it. If each exception contains a pattern,
    no agent without a pattern has one after that, and most agents are not cut. -#}
{% macro is_human(user_agent) -%}
  {%- set patterns, ns = (setting('bot_patterns') | string).split(','), namespace(joins=false) -%}
  {%- for exception in (setting('bot_exceptions') | string).split(',') -%}
    {%- set within = [] -%}
    {%- for pattern in patterns if pattern | trim in exception | trim -%}{%- do within.append(pattern) -%}{%- endfor -%}
    {%- if not within -%}{%- set ns.joins = true -%}{%- endif -%}
  {%- endfor -%}
  case when {{ '1 = 1' if ns.joins else has_bot_pattern('lower(' ~ user_agent ~ ')') }} then case when {{ has_bot_pattern(without_exceptions(user_agent)) }} then 0 else 1 end else 1 end
{%- endmacro %}

{% macro found_bot_pattern(user_agent) -%}
  case {%- for pattern in (setting('bot_patterns') | string).split(',') %} when {{ without_exceptions(user_agent) }} like '%{{ pattern | trim }}%' then cast('{{ pattern | trim }}' as {{ text_type(2048) }}){% endfor %} end
{%- endmacro %}

{% macro without_exceptions(user_agent) -%}
  {%- set agent = namespace(text='lower(' ~ user_agent ~ ')') -%}
  {%- for exception in (setting('bot_exceptions') | string).split(',') -%}
    {%- set agent.text = ('replace(' if target.type == 'duckdb' else 'oreplace(') ~ agent.text ~ ", '" ~ exception | trim ~ "', '')" -%}
  {%- endfor -%}
  {{ return(agent.text) }}
{%- endmacro %}

{% macro has_bot_pattern(agent) -%}
  {%- set found = [] -%}
  {%- for pattern in (setting('bot_patterns') | string).split(',') -%}
    {%- do found.append(agent ~ " like '%" ~ pattern | trim ~ "%'") -%}
  {%- endfor -%}
  {{ return('(' ~ found | join(' or ') ~ ')') }}
{%- endmacro %}
