{#- landed_lines(topic): every line of the batch, one row each:
      object_number, line_number (object 0: replayed from late_events),
      raw_line (line_text() is its text), json_problem (null: a JSON object whose fields have their
      schema's JSON types),
      kafka_topic, kafka_partition, kafka_offset, kafka_timestamp: their JSON values as text,
      and each field of the topic as text (null: absent or JSON null).

    DuckDB: the lines come from the reader (ingestion/lake/line_stream.py), which knows what DuckDB's
    parser would hide: JSON types, repeated keys, NaN (ingestion/lake/line_shapes.py).
    Teradata: teradata_landed_lines.sql: NOS reads the lines as text, patterns check them. -#}
{% macro landed_lines(topic) -%}
  {{ return(adapter.dispatch('landed_lines', 'twist')(topic)) }}
{%- endmacro %}

{% macro default__landed_lines(topic) %}{{ unsupported_engine('landed_lines') }}{% endmacro %}

{% macro duckdb__landed_lines(topic) %}
{%- do ref('load_objects') -%}{#- the reader reads the objects that it holds #}
with read as (
    select object_number, line_number, raw_line, json_problem
    from {{ source('landing', 'landing_' ~ topic) }}
    union all
    select 0, row_number() over (order by kafka_partition, kafka_offset), raw_line, null
    from {{ source('earlier_audit', 'late_events') }}
    where topic = '{{ topic }}' and replay_requested_at is not null
),

-- `try` alone: one bad line makes the other 2,047 of its vector ten times as slow.
parsed as (
    select
        read.*,
        try(from_json(
            case when json_problem is null or json_problem not like 'not JSON%' then raw_line end,
            '{{ duckdb_json_structure(topic) }}'
        )) as field
    from read
)

select
    object_number, line_number, raw_line,
    case when field is null then coalesce(json_problem, 'not JSON: a number or an escape is malformed') else json_problem end as json_problem,
    nullif(field._topic, '') as kafka_topic,
    cast(field._partition as varchar) as kafka_partition,
    cast(field._offset as varchar) as kafka_offset,
    cast(field._timestamp as varchar) as kafka_timestamp
    {%- for field in topic_fields(topic) %},
    {%- if field.type in ('text', 'timestamp') %}
    nullif(field.{{ field.name }}, '') as {{ field.name }}
    {%- elif field.name == 'size_share' %}
    lake_json_number(raw_line, 'size_share') as size_share
    {%- else %}
    nullif(nullif(cast(field.{{ field.name }} as varchar), 'null'), '""') as {{ field.name }}
    {%- endif -%}
    {%- endfor %}
from parsed
{% endmacro %}

{#- line_text(raw_line): the text of a line. DuckDB's reader hands lines over with their line feed,
    which spares a copy of each. -#}
{% macro line_text(raw_line) -%}
  {{ return('rtrim(' ~ raw_line ~ ', chr(10))' if target.type == 'duckdb' else raw_line) }}
{%- endmacro %}

{#- Texts are read as text, all else as JSON: `"5"` keeps its quotes and is not an integer. -#}
{% macro duckdb_json_structure(topic) -%}
  {%- set members = [] -%}
  {%- for name in duckdb_texts(topic) -%}{%- do members.append('"' ~ name ~ '":"VARCHAR"') -%}{%- endfor -%}
  {%- for name in duckdb_numbers(topic) -%}{%- do members.append('"' ~ name ~ '":"JSON"') -%}{%- endfor -%}
  {{ return('{' ~ members | join(',') ~ '}') }}
{%- endmacro %}

{#- Names of the members that are texts in JSON, and of all others. -#}
{% macro duckdb_texts(topic) -%}
  {{ return(topic_fields(topic) | selectattr('type', 'in', ['text', 'timestamp']) | map(attribute='name') | list + ['_topic']) }}
{%- endmacro %}

{% macro duckdb_numbers(topic) -%}
  {{ return(topic_fields(topic) | rejectattr('type', 'in', ['text', 'timestamp']) | map(attribute='name') | list
      + ['_partition', '_offset', '_timestamp']) }}
{%- endmacro %}
