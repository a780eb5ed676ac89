{#- What a load drops of the persons that audit.erasures holds (orchestration/erasure). While it is empty
    nothing is added to any query. Teradata has no sha256: there the loader erases a batch before it is
    staged (forget_batch), and a text that is read again later is left out.

    without_forgotten(topic, lines)         judged lines, without the fields of registered visitors
    without_person(topic, text, arrival)    the text of a line, erased if it is of a registered visitor
    forgotten_of(topic, visitor)            the join that without_person needs on Teradata
    registered_erasures()                   none, or the registry's salt and erased_before -#}
{% macro without_forgotten(topic, lines) -%}
  {%- set registered = registered_erasures() if target.type == 'duckdb' -%}
  {%- if not registered -%}{{ return(lines) }}{%- endif -%}
  {%- if topic == 'dead_letters' -%}
select
    letters.* replace (
        raw_value_left as raw_value,
        case when raw_value_left <> raw_value then split_part(reason, ':', 1) else reason end as reason,
        {{ without_person(topic, 'raw_line', 'arrival') }} as raw_line
    )
from (
    select all_letters.*, {{ without_person('clickstream', 'raw_value', "case when origin_topic = 'clickstream' then arrival end") }} as raw_value_left
    from ({{ lines }}) as all_letters
) as letters
  {%- else -%}
select
    marked.* replace (
        {%- for field in ['visitor_id', 'session_id', 'order_id', 'url', 'referrer'] %}
        case when is_forgotten then null else {{ field }} end as {{ field }},
        {%- endfor %}
        case when is_forgotten then {{ found_bot_pattern('user_agent') }} else user_agent end as user_agent,
        case when problem is not null or {{ too_late(topic) }} then {{ without_person(topic, 'raw_line', 'arrival') }} else raw_line end as raw_line
    )
from (
    select
        all_lines.*,
        coalesce(sha256('{{ registered.salt }}' || visitor_id) in (select visitor_hash from {{ source('bookkeeping', 'erasures') }}), false)
            or {{ is_old('arrival') }} as is_forgotten
    from ({{ lines }}) as all_lines
) as marked
  {%- endif -%}
{%- endmacro %}

{% macro without_person(topic, text, arrival) -%}
  {%- if not registered_erasures() or topic not in ('clickstream', 'dead_letters') -%}{{ return(text) }}{%- endif -%}
  {{ return(adapter.dispatch('without_person', 'twist')(topic, text, arrival)) }}
{%- endmacro %}

{% macro default__without_person(topic, text, arrival) %}{{ unsupported_engine('without_person') }}{% endmacro %}

{% macro duckdb__without_person(topic, text, arrival) -%}
lake_without_person('{{ topic }}', {{ text }}, {{ is_old(arrival) }})
{%- endmacro %}

{% macro teradata__without_person(topic, text, arrival) -%}
case when forgotten_{{ topic }}.visitor_id is not null {{ 'or ' ~ arrival ~ ' < ' ~ literal(registered_erasures().before) if registered_erasures().before }} then 'the text of this line was erased' else {{ text }} end
{%- endmacro %}

{% macro forgotten_of(topic, visitor) -%}
  {%- if target.type == 'teradata' and topic == 'clickstream' and registered_erasures() -%}
left join (select visitor_id from {{ one_run('load_forgotten') }}) as forgotten_{{ topic }} on {{ visitor }} = forgotten_{{ topic }}.visitor_id
  {%- endif -%}
{%- endmacro %}

{% macro is_old(arrival) -%}
  {%- set before = registered_erasures().before -%}
  {% if before %}coalesce({{ arrival }} < {{ literal(before) }}, false){% else %}false{% endif %}
{%- endmacro %}

{#- Queried once per model; DuckDB's functions that read texts in Python are told too. -#}
{% macro registered_erasures() -%}
  {%- if 'registered_erasures' in model -%}{{ return(model['registered_erasures']) }}{%- endif -%}
  {%- set registered = none -%}
  {%- if execute and load_relation(source('bookkeeping', 'erasures')) is not none -%}
    {%- set query -%}
select count(*) as registered, max(salt) as salt, max(erased_before) as erased_before
        {%- if target.type == 'duckdb' %}, lake_forget(max(salt), list(visitor_hash)){% endif %} from {{ source('bookkeeping', 'erasures') }}
    {%- endset -%}
    {%- set found = run_query(query).rows[0] -%}
    {%- if found[0] -%}{%- set registered = {'salt': found[1], 'before': found[2]} -%}{%- endif -%}
    {%- do model.update({'registered_erasures': registered}) -%}
  {%- endif -%}
  {{ return(registered) }}
{%- endmacro %}
