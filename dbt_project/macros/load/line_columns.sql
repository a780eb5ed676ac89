{#- What every load model does with the lines of its topic. Derived tables, as Teradata's manual
    forbids user-defined functions inside WITH, and its JSON functions and patterns may count as such.
      judged_lines(topic)      the landed lines with their position, arrival and event time, as typed
                               values, and `problem`: the first rule of the contract that the line
                               breaks, as a sentence
      line_columns(topic)      the line's place in the lake and its status. Without a full position
                               kafka_offset is null: such a line is neither a duplicate nor late.
                               The raw line is kept if the line is quarantined or late.
      bounded_text(value, length)  a field cut to its column's length. A longer one is already a
                               problem; on Teradata a cast alone would fail the request (3996). -#}
{% macro judged_lines(topic) -%}
select positioned.*, {{ line_problem(topic) }} as problem
from (
    select
        lines.*,
        {{ try_bigint('kafka_partition') }} as partition_number,
        {{ try_bigint('kafka_offset') }} as offset_number,
        case
            when {{ try_bigint('kafka_timestamp') }} between 946684800000 and 4102444800000
                then {{ epoch_milliseconds(try_bigint('kafka_timestamp')) }}
        end as arrival,
        {{ iso_timestamp('event_ts') }} as event_moment
    from ({{ landed_lines(topic) }}) as lines
) as positioned
{%- endmacro %}

{% macro line_problem(topic) -%}
    case
        when json_problem like 'not JSON%' then json_problem
        when kafka_topic is null or kafka_topic <> '{{ topic }}' then 'no position: _topic is not {{ topic }}'
        when partition_number is null or partition_number < 0 then 'no position: _partition is not a whole number'
        when offset_number is null or offset_number < 0 then 'no position: _offset is not a whole number'
        when arrival is null then 'no position: _timestamp is not milliseconds since 2000'
        when arrival > {{ clock() }} + interval '1' day then 'no position: _timestamp is more than a day ahead of the clock'
        when json_problem is not null then json_problem
        {%- for field in topic_fields(topic) %}
        {%- if field.required %}
        when {{ field.name }} is null then '{{ field.name }} is missing'
        {%- elif field.required_if %}
        when {{ field.name }} is null and {{ field.required_if }} then '{{ field.name }} is missing'
        {%- endif %}
        {%- if field.length %}
        when {{ character_count(field.name) }} > {{ field.length }} then '{{ field.name }} is longer than {{ field.length }} characters'
        {%- endif %}
        {%- if field.allowed %}
        when {{ field.name }} not in ('{{ field.allowed | join("', '") }}') then '{{ field.name }} is neither {{ field.allowed | join(' nor ') }}'
        {%- endif %}
        {%- if field.type == 'timestamp' %}
        when event_moment is null then '{{ field.name }} is not a UTC timestamp'
        {%- elif field.type == 'integer' %}
        when {{ field.name }} is not null and coalesce({{ try_bigint(field.name) }}, {{ field.minimum - 1 }}) not between {{ field.minimum }} and {{ field.maximum }}
            then '{{ field.name }} is not a whole number from {{ field.minimum }} to {{ field.maximum }}'
        {%- elif field.name == 'size_share' %}
        when size_share is not null and {{ try_share('size_share') }} is null
            then 'size_share is not above 0 and at most 1'
        {%- endif %}
        {%- endfor %}
        when event_moment > arrival + interval '10' minute then 'event_ts is more than 10 minutes after its arrival'
    end
{%- endmacro %}

{% macro line_columns(topic) -%}
    cast(object_number as bigint) as object_number,
    cast(line_number as bigint) as line_number,
    cast(case when problem like 'not JSON%' or problem like 'no position%' then null else partition_number end as bigint) as kafka_partition,
    cast(case when problem like 'not JSON%' or problem like 'no position%' then null else offset_number end as bigint) as kafka_offset,
    cast(arrival as timestamp(6)) as arrived_at,
    cast(problem as {{ text_type(512) }}) as problem,
    {#- A replayed line (of object 0), a catalog row and a dead letter are never late. #}
    cast(case when problem is null and object_number > 0 and {{ too_late(topic) }} then 1 else 0 end as smallint) as is_late,
    cast(event_moment as timestamp(6)) as event_ts,
    cast(event_moment as date) as event_date,
    cast(case when problem is not null or {{ too_late(topic) }} then {{ line_text('raw_line') }} end as {{ text_type(32000) }}) as raw_line
{%- endmacro %}

{% macro too_late(topic) -%}
  {%- if topic in ('product_catalog', 'dead_letters') -%}{{ return('1 = 0') }}{%- endif -%}
  {{ return('cast(event_moment as date) < cast(arrival as date) - ' ~ setting('late_days')) }}
{%- endmacro %}

{% macro bounded_text(value, length) -%}
  {%- if target.type == 'duckdb' -%}
    {{ return("case when strlen(" ~ value ~ ") <= " ~ length ~ " then " ~ value ~ " else substring(" ~ value ~ " from 1 for " ~ length ~ ") end") }}
  {%- endif -%}
  cast(substring({{ value }} from 1 for {{ length }}) as {{ text_type(length) }})
{%- endmacro %}
