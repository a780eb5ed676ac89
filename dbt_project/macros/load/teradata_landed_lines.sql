{#- landed_lines on Teradata. Each field is extracted once, as written (a token); its first
    character gives its JSON type (teradata_json.sql). NOS does not number lines, so line_number comes from an order
    that a second read repeats. -#}
{% macro teradata__landed_lines(topic) -%}
  {%- set fields = topic_fields(topic) -%}
    select
        object_number, line_number, raw_line,
        case
            when is_object = 0 then cast('not JSON object, not strictly JSON, or nested more than 20 deep' as {{ text_type(512) }})
            when is_ambiguous = 1 then 'not JSON: a key twice, or written with an escape'
            {%- for field in fields %}
            when {{ teradata_wrong_type(field) }} then '{{ field.name }} is of another type than {{ field.type }}'
            {%- endfor %}
        end as json_problem,
        {{ teradata_json_text('_topic', 128) }} as kafka_topic,
        cast(substring(partition_token from 1 for 32) as {{ text_type(32) }}) as kafka_partition,
        cast(substring(offset_token from 1 for 32) as {{ text_type(32) }}) as kafka_offset,
        cast(substring(timestamp_token from 1 for 32) as {{ text_type(32) }}) as kafka_timestamp
        {%- for field in fields %},
        {%- if field.type == 'timestamp' %}
        {{ teradata_json_text(field.name) }} as {{ field.name }}
        {%- elif field.type == 'text' %}
        {{ teradata_json_text(field.name, field.length) }} as {{ field.name }}
        {%- else %}
        nullif(nullif(cast(substring({{ field.name }}_token from 1 for 38) as {{ text_type(38) }}), 'null'), '""') as {{ field.name }}
        {%- endif -%}
        {%- endfor %}
    from (
        select
            object_number, line_number, raw_line, is_object,
            case when is_object = 1 then {{ teradata_repeats_key('raw_line') }} else 0 end as is_ambiguous
            {%- for name in ['_topic', '_partition', '_offset', '_timestamp'] %},
            case when is_object = 1 then {{ teradata_json_token(name) }} end as {{ name[1:] }}_token
            {%- endfor %}
            {%- for field in fields %},
            case when is_object = 1 then {{ teradata_json_token(field.name) }} end as {{ field.name }}_token
            {%- endfor %}
        from (
            select
                numbered_{{ topic }}.*,
                cast(case when is_object = 1 then raw_line end as json(32000) character set unicode) as document
            from (
            select
                read_once_{{ topic }}.*,
                row_number() over (
                    partition by object_number
                    order by hashrow(raw_line) nulls first, substring(raw_line from 1 for 1000) nulls first
                ) as line_number,
                {{ teradata_is_object('raw_line') }} as is_object
            from ({{ teradata_raw_lines(topic) }}) as read_once_{{ topic }}
            ) as numbered_{{ topic }}
        ) as documents_{{ topic }}
    ) as tokens_{{ topic }}
{%- endmacro %}

{#- The lines of the batch's objects, and those of late events that are to be replayed. NOS opens
    only the files in the path filter; the batch decides which lines count. -#}
{% macro teradata_raw_lines(topic) -%}
                {%- do [ref('load_objects'), source('landing', 'landing_' ~ topic)] %}{#- also where they are not read -#}
                {%- set paths = teradata_paths(topic) %}
                {%- if paths %}
                select batch_{{ topic }}.object_number, cast(coalesce(landed_{{ topic }}.raw_line, '') as {{ text_type(32000) }}) as raw_line
                from (
                    select location, raw_line from {{ source('landing', 'landing_' ~ topic) }}
                    where {{ paths }}
                ) as landed_{{ topic }}
                inner join (select * from {{ ref('load_objects') }} where topic = '{{ topic }}') as batch_{{ topic }}
                    on substring(landed_{{ topic }}.location from position('/topics/' in landed_{{ topic }}.location) + 1) = batch_{{ topic }}.object_key
                union all
                {%- endif %}
                select cast(0 as bigint) as object_number, raw_line
                from {{ source('earlier_audit', 'late_events') }}
                where topic = '{{ topic }}' and replay_requested_at is not null
{%- endmacro %}

{#- Path pruning: the days and hours of the batch, and if there are few enough for a request, its
    files, so that a new object is read once and an old one not again. Nothing if the batch has no
    object of the topic: its foreign table may not be there yet, as Teradata refuses to create one
    over a prefix without objects (4951). -#}
{% macro teradata_paths(topic) -%}
  {%- set keys = [] -%}
  {%- if execute and load_relation(ref('load_objects')) is not none -%}
    {%- set query %}select object_key from {{ ref('load_objects') }} where topic = '{{ topic }}'{% endset -%}
    {%- for row in run_query(query).rows -%}
      {%- do keys.append(row[0].replace("'", "''").split('/')) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if not keys -%}{{ return('') }}{%- endif -%}
  {%- do create_foreign_table(topic) -%}
  {%- set narrowed = [['dt', 2], ['hour', 3]] + ([['file', 4]] if keys | length <= 2000 else []) -%}
  {%- set conditions = [] -%}
  {%- for part, place in narrowed -%}
    {%- do conditions.append("$path.$" ~ part ~ " in ('" ~ keys | map(attribute=place) | unique | sort | join("', '") ~ "')") -%}
  {%- endfor -%}
  {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#- teradata_wrong_type(field): a condition on its token. JSON null and '' have no type. -#}
{% macro teradata_wrong_type(field) -%}
  {%- set token, first = field.name ~ '_token', "substring(" ~ field.name ~ "_token from 1 for 1)" -%}
  {%- set right = {
      'text': first ~ " = '\"'",
      'timestamp': first ~ " = '\"'",
      'integer': "regexp_similar(" ~ token ~ ", '-?[0-9]+', 'c') = 1",
      'number': first ~ " in ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')",
      'boolean': token ~ " in ('true', 'false')",
  }[field.type] -%}
  {{ return(token ~ " not in ('null', '\"\"') and not (" ~ right ~ ")") }}
{%- endmacro %}
