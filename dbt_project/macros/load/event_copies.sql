{#- event_copies(): rule 5 of load_duplicates: CTEs from `lines` and `by_position` to
    `by_event`, the lines whose event has another copy that counts. -#}
{% macro event_copies() -%}
acceptable as (
    select lines.*
    from lines
    left join by_position
        on lines.topic = by_position.topic and lines.object_number = by_position.object_number
            and lines.line_number = by_position.line_number
    where by_position.topic is null
        and lines.event_id is not null and lines.problem is null and lines.is_late = 0
),

loaded_before as (
    select {{ topic_name('clickstream') }} as topic, event_date, event_id
    from {{ source('staged', 'stg_clickstream__events') }}
    where {{ within_batch('load_clickstream', 'event_date') }}
    union all
    select {{ topic_name('sku_availability') }} as topic, event_date, event_id
    from {{ source('staged', 'stg_availability__stock_changes') }}
    where {{ within_batch('load_availability', 'event_date') }}
    union all
    select {{ topic_name('dead_letters') }} as topic, {{ no_event_date() }}, {{ origin_event_id('topic', 'kafka_partition', 'kafka_offset') }}
    from {{ source('warehouse', 'dead_letters') }}
    where {{ within_batch('load_dead_letters', 'origin_offset', 'kafka_offset') }}
),

copied as (
    select topic, event_date, event_id
    from acceptable
    group by topic, event_date, event_id
    having count(*) > 1
),

copies as (
    select
        acceptable.topic, acceptable.object_number, acceptable.line_number,
        row_number() over (
            partition by acceptable.topic, acceptable.event_date, acceptable.event_id
            order by acceptable.kafka_partition nulls first, acceptable.kafka_offset nulls first, acceptable.arrived_at nulls first
        ) as nth
    from acceptable
    inner join copied
        on acceptable.topic = copied.topic and acceptable.event_date = copied.event_date
            and acceptable.event_id = copied.event_id
),

by_event as (
    select acceptable.topic, acceptable.object_number, acceptable.line_number
    from acceptable
    inner join loaded_before
        on acceptable.topic = loaded_before.topic and acceptable.event_date = loaded_before.event_date
            and acceptable.event_id = loaded_before.event_id
    union
    select topic, object_number, line_number from copies where nth > 1
)
{%- endmacro %}

{#- A restarted connector sends a record to the dead letters again: the event of such a letter is
    identified by the position of that record, whenever it failed. -#}
{% macro origin_event_id(topic, partition, offset) -%}
  cast({{ topic }} || ':' || cast({{ partition }} as {{ text_type(20) }}) || ':' || cast({{ offset }} as {{ text_type(20) }}) as {{ text_type(128) }})
{%- endmacro %}

{% macro no_event_date() -%} date '2000-01-01' {%- endmacro %}

{#- within_batch(model, column, staged): a literal range of the batch's values for the staged column
    (by default of the same name), so that staged files outside it are never opened. No range while
    there is no batch yet. -#}
{% macro within_batch(model_name, column, staged=none) -%}
  {%- if execute and load_relation(ref(model_name)) is not none -%}
    {%- set found = run_query("select min(" ~ column ~ "), max(" ~ column ~ ") from " ~ ref(model_name)).rows[0] -%}
    {%- if found[0] is none -%}{{ return('1 = 0') }}{%- endif -%}
    {%- if found[0].year is defined -%}
      {{ return((staged or column) ~ ' between ' ~ literal(found[0]) ~ ' and ' ~ literal(found[1])) }}
    {%- endif -%}
    {{ return((staged or column) ~ ' between ' ~ found[0] ~ ' and ' ~ found[1]) }}
  {%- endif -%}
  {{ return('1 = 1') }}
{%- endmacro %}
