{#- texts_of_conflicts(): the text of each line in load_conflicts. The models of lines keep no text of a
    line that counts or is a copy, so the batch's objects are read again, if a topic has conflicts. -#}
{% macro texts_of_conflicts() -%}
  {%- set topics = ['clickstream', 'sku_availability'] -%}
  {%- if execute and load_relation(ref('load_conflicts')) is not none -%}
    {%- set query %}select distinct topic from {{ ref('load_conflicts') }}{% endset -%}
    {%- set topics = run_query(query).columns[0].values() | list -%}
  {%- endif -%}
  {%- for topic in topics %}
    select of_{{ topic }}.topic, of_{{ topic }}.object_number, of_{{ topic }}.line_number, cast({{ without_person(topic, line_text(topic ~ '_read.raw_line'), 'of_' ~ topic ~ '.arrived_at') }} as {{ text_type(32000) }}) as raw_line
    from (select * from {{ ref('load_conflicts') }} where topic = '{{ topic }}') as of_{{ topic }}
    inner join ({{ landed_lines(topic) }}) as {{ topic }}_read
        on of_{{ topic }}.object_number = {{ topic }}_read.object_number and of_{{ topic }}.line_number = {{ topic }}_read.line_number
    {{ forgotten_of(topic, topic ~ '_read.visitor_id') }}
    union all
  {%- endfor %}
    select topic, object_number, line_number, cast(null as {{ text_type(32000) }}) as raw_line
    from (select * from {{ ref('load_conflicts') }}) as of_no_topic
    where 1 = 0
{%- endmacro %}
