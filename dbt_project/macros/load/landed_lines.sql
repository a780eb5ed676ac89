{#- landed_lines(topic): every line of the batch, one row each:
      object_number, line_number (object 0: replayed from late_events),
      raw_line (line_text() is its text), json_problem (null: a JSON object whose fields have their
      schema's JSON types), is_proven (0: check_unproven_lines() finds the problem),
      kafka_topic, kafka_partition, kafka_offset, kafka_timestamp: their JSON values as text,
      and each field of the topic as text (null: absent or JSON null).

    DuckDB: the lines come from the reader (ingestion/lake/line_stream.py) and are parsed once; those
    that are not proven to be strict JSON of the schema's types are checked one by one afterwards.
    `->>` or read_json would hide JSON types, repeated keys and NaN.
    Teradata: teradata_landed_lines.sql: NOS reads the lines as text, patterns check them. -#}
{% macro landed_lines(topic) -%}
  {{ return(adapter.dispatch('landed_lines', 'twist')(topic)) }}
{%- endmacro %}

{% macro default__landed_lines(topic) %}{{ unsupported_engine('landed_lines') }}{% endmacro %}

{% macro duckdb__landed_lines(topic) %}
{%- do ref('load_objects') -%}{#- the reader reads the objects that it holds #}
with read as (
    select object_number, line_number, raw_line, bare, is_text
    from {{ source('landing', 'landing_' ~ topic) }}
    union all
    select 0, row_number() over (order by kafka_partition, kafka_offset), raw_line, -1, true
    from {{ source('warehouse', 'late_events') }}
    where topic = '{{ topic }}' and replay_requested_at is not null
),

-- `try` alone: one bad line makes the other 2,047 of its vector ten times as slow.
parsed as (
    select
        read.*,
        try(from_json(
            case when bare >= 0 or json_valid(raw_line) then raw_line end,
            '{{ duckdb_json_structure(topic) }}'
        )) as field
    from read
)

select
    object_number, line_number, raw_line,
    case when not is_text then 'not JSON: invalid UTF-8' when field is null then 'not JSON' end as json_problem,
    case when field is not null and {{ duckdb_is_proven(topic) }} then 1 else 0 end as is_proven,
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

{#- check_unproven_lines(topic): post-hook of the models of lines. DuckDB: lines that are not proven
    go to the strict parser (ingestion/contract/strict_json.py), and its verdict into `problem`. Only
    they: a call of a Python function costs as much as parsing hundreds of lines. -#}
{% macro check_unproven_lines(topic) -%}
  {%- if target.type == 'duckdb' -%}
update {{ this }} as line
set problem = case
        when line.problem = 'not JSON: invalid UTF-8' then line.problem
        when checked.json_problem like 'not JSON%' then checked.json_problem
        when line.problem like 'not JSON%' or line.problem like 'no position%' then line.problem
        else coalesce(checked.json_problem, line.problem)
    end,
    kafka_partition = case when checked.json_problem like 'not JSON%' then null else line.kafka_partition end,
    kafka_offset = case when checked.json_problem like 'not JSON%' then null else line.kafka_offset end,
    is_late = case when checked.json_problem is null then line.is_late else 0 end
from (
    select object_number, line_number, lake_json_problem(raw_line, '{{ topic }}') as json_problem
    from {{ this }}
    where is_proven = 0
) as checked
where line.object_number = checked.object_number and line.line_number = checked.line_number
  {%- endif -%}
{%- endmacro %}

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

{#- Whether a line is proven to be strict JSON of the schema's types, by what ingestion/lake/lines.py
    has counted: each bare member is a whole number (DuckDB writes any other number with a point or an
    exponent), and the line is as long as its known members written once each.
    The catalog's numbers can be written in many ways: its few lines always go to the strict parser. -#}
{% macro duckdb_is_proven(topic) -%}
  {%- if topic == 'product_catalog' -%}{{ return('false') }}{%- endif -%}
  {%- set lengths, numbers = ['1'], [] -%}
  {%- for name in duckdb_texts(topic) -%}
    {%- do lengths.append("coalesce(strlen(field." ~ name ~ ") + " ~ (name | length + 6) ~ ", 0)") -%}
  {%- endfor -%}
  {%- for name in duckdb_numbers(topic) -%}
    {%- do lengths.append("coalesce(strlen(field." ~ name ~ ") + " ~ (name | length + 4) ~ ", 0)") -%}
    {%- do numbers.append("coalesce(" ~ duckdb__try_bigint('field.' ~ name) ~ " is not null, false)") -%}
  {%- endfor -%}
  {{ return("bare = " ~ numbers | length ~ " and strlen(raw_line) - 1 = " ~ lengths | join(' + ') ~ " and " ~ numbers | join(' and ')) }}
{%- endmacro %}

{#- Names of the members that are texts in JSON, and of all others. -#}
{% macro duckdb_texts(topic) -%}
  {{ return(topic_fields(topic) | selectattr('type', 'in', ['text', 'timestamp']) | map(attribute='name') | list + ['_topic']) }}
{%- endmacro %}

{% macro duckdb_numbers(topic) -%}
  {{ return(topic_fields(topic) | rejectattr('type', 'in', ['text', 'timestamp']) | map(attribute='name') | list
      + ['_partition', '_offset', '_timestamp']) }}
{%- endmacro %}
