{#- landed_lines(topic): every line of the batch, one row each:
      object_key, etag, folder_hour, line_number (object_key '': replayed from late_events),
      raw_line, json_problem (null: a JSON object whose fields have their schema's JSON types),
      kafka_topic, kafka_partition, kafka_offset, kafka_timestamp: their JSON values as text,
      and each field of the topic as text (null: absent or JSON null).

    DuckDB: the text of load_objects is split into lines in its own subquery (beside unnest it
    would be split again for every 2,048 rows), parsed once, and lines that are not provably plain
    are checked by ingestion/contract/strict_json.py. Reading with `->>` or read_json would hide
    JSON types, repeated keys and NaN.
    Teradata: teradata_landed_lines.sql: NOS reads the lines as text, patterns check them. -#}
{% macro landed_lines(topic) -%}
  {{ return(adapter.dispatch('landed_lines', 'twist')(topic)) }}
{%- endmacro %}

{% macro default__landed_lines(topic) %}{{ unsupported_engine('landed_lines') }}{% endmacro %}

{% macro duckdb__landed_lines(topic) %}
with texts as (
    select object_key, etag, folder_hour, bad_lines, string_split(object_text, chr(10)) as texts_lines
    from {{ ref('load_objects') }}
    where topic = '{{ topic }}' and read_error is null and line_count > 0
),

lines as (
    select
        object_key, etag, folder_hour, bad_lines,
        unnest(texts_lines) as raw_line,
        unnest(range(1, len(texts_lines) + 1)) as line_number
    from texts
    union all
    select '', '', null, null, raw_line, row_number() over (order by kafka_partition, kafka_offset)
    from {{ source('warehouse', 'late_events') }}
    where topic = '{{ topic }}' and replay_requested_at is not null
),

shaped as (
    select lines.*, {{ duckdb_has_plain_shape(topic) }} as has_plain_shape from lines
),

-- Not try(from_json(…)): one bad line makes the other 2,047 of its vector ten times as slow.
parsed as (
    select
        shaped.*,
        from_json(
            case when has_plain_shape or json_valid(raw_line) then raw_line end,
            '{{ duckdb_json_structure(topic) }}'
        ) as field
    from shaped
),

-- The strict parser is called outside of any CASE: inside one, DuckDB passes a Python function
-- other rows than those of the branch.
strictly_checked as (
    select
        parsed.*,
        lake_json_problem(case when has_plain_shape and {{ duckdb_has_plain_length(topic) }} then null else raw_line end, '{{ topic }}') as strict_problem
    from parsed
),

judged as (
    select
        strictly_checked.*,
        case
            when list_contains(bad_lines, line_number) then 'not JSON: invalid UTF-8'
            when strict_problem is not null then strict_problem
            when field is null then 'not JSON'
        end as json_problem
    from strictly_checked
)

select
    object_key, etag, folder_hour, line_number, raw_line, json_problem,
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
from judged
{% endmacro %}

{#- Texts are read as text, all else as JSON: `"5"` keeps its quotes and is not an integer. -#}
{% macro duckdb_json_structure(topic) -%}
  {%- set members = ['"_topic":"VARCHAR"', '"_partition":"JSON"', '"_offset":"JSON"', '"_timestamp":"JSON"'] -%}
  {%- for field in topic_fields(topic) -%}
    {%- do members.append('"' ~ field.name ~ '":"' ~ ('VARCHAR' if field.type in ('text', 'timestamp') else 'JSON') ~ '"') -%}
  {%- endfor -%}
  {{ return('{' ~ members | join(',') ~ '}') }}
{%- endmacro %}

{#- Proof in two parts that a line is strict JSON of the schema's types.
    Shape: one object whose members are known fields in canonical form: texts without escapes,
    whole numbers without point or exponent, no whitespace, no nulls.
    Length: the sum of its fields in that form, once each; a repeated field would make it longer.
    One pattern without backtracking costs less than a check of each field.
    Numbers of the catalog can be written in many ways, so its few lines always go to the strict
    parser. -#}
{% macro duckdb_has_plain_shape(topic) -%}
  {%- if topic == 'product_catalog' -%}{{ return('false') }}{%- endif -%}
  {%- set texts, integers = duckdb_plain_fields(topic) -%}
  {%- set member = '(?:"(?:' ~ texts | join('|') ~ ')":"[^"\\\\\\x00-\\x1f]*"|"(?:' ~ integers | join('|') ~ ')":(?:0|-?[1-9][0-9]{0,17}))' -%}
  {{ return("regexp_full_match(raw_line, '\\{(?:" ~ member ~ ",)*" ~ member ~ "\\}')") }}
{%- endmacro %}

{% macro duckdb_has_plain_length(topic) -%}
  {%- set texts, integers = duckdb_plain_fields(topic) -%}
  {%- set lengths = [] -%}
  {%- for name in texts -%}
    {%- do lengths.append("coalesce(strlen(field." ~ name ~ ") + " ~ (name | length + 6) ~ ", 0)") -%}
  {%- endfor -%}
  {%- for name in integers -%}
    {%- do lengths.append("coalesce(strlen(field." ~ name ~ ") + " ~ (name | length + 4) ~ ", 0)") -%}
  {%- endfor -%}
  {{ return("strlen(raw_line) = " ~ lengths | join(' + ') ~ " + 1") }}
{%- endmacro %}

{#- Names of the fields that are texts in JSON, and of those that are whole numbers. -#}
{% macro duckdb_plain_fields(topic) -%}
  {%- set texts, integers = ['_topic'], ['_partition', '_offset', '_timestamp'] -%}
  {%- for field in topic_fields(topic) -%}
    {%- do (texts if field.type in ('text', 'timestamp') else integers).append(field.name) -%}
  {%- endfor -%}
  {{ return([texts, integers]) }}
{%- endmacro %}
