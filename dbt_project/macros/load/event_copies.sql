{#- event_copies(): rule 5 of load_duplicates: CTEs from `by_position` to `by_event`, the lines whose
    event has another copy that counts. A copy has its event's hash, and nearly always its moment, so
    the whole day's ids are read only where a hash met and no copy of the same moment was found. -#}
{% macro event_copies() -%}
  {%- set events = ['clickstream', 'sku_availability', 'dead_letters'] -%}
staged_before as (
    {%- for topic in events %}
    select distinct {{ topic_name(topic) }} as topic, {{ topic }}_hashes.event_hash
    from (select event_hash from {{ ref(load_models()[topic]) }}) as {{ topic }}_hashes
    inner join ({{ staged_events(topic, ['event_hash']) }}) as {{ topic }}_staged
        on {{ topic }}_hashes.event_hash = {{ topic }}_staged.event_hash
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

met as (
    select topic, event_hash from staged_before
    {%- for topic in events %}
    union
    select {{ topic_name(topic) }}, event_hash
    from {{ ref(load_models()[topic]) }}
    where problem is null and is_late = 0
    group by event_hash
    having count(*) > 1
    {%- endfor %}
),

acceptable as (
    {%- for topic in events %}
    select
        met.topic, {{ topic }}_lines.object_number, {{ topic }}_lines.line_number,
        {{ topic }}_lines.kafka_partition, {{ topic }}_lines.kafka_offset, {{ topic }}_lines.arrived_at,
        {{ no_event_date() if topic == 'dead_letters' else topic ~ '_lines.event_date' }} as event_date,
        {{ topic }}_lines.event_ts, {{ topic }}_lines.event_id, {{ topic }}_lines.event_hash
    from (select * from {{ ref(load_models()[topic]) }} where problem is null and is_late = 0) as {{ topic }}_lines
    inner join met on {{ topic }}_lines.event_hash = met.event_hash and met.topic = '{{ topic }}'
    left join by_position
        on {{ topic }}_lines.object_number = by_position.object_number and {{ topic }}_lines.line_number = by_position.line_number
            and by_position.topic = '{{ topic }}'
    where by_position.topic is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

of_same_moment as (
    {{ copies_of_staged(events, 'acceptable', 'event_ts') }}
),

not_found as (
    select acceptable.*
    from acceptable
    inner join staged_before on acceptable.topic = staged_before.topic and acceptable.event_hash = staged_before.event_hash
    left join of_same_moment
        on acceptable.topic = of_same_moment.topic and acceptable.object_number = of_same_moment.object_number
            and acceptable.line_number = of_same_moment.line_number
    where of_same_moment.topic is null
),

of_same_day as (
    {{ copies_of_staged(events, 'not_found', 'event_hash') }}
),

copies as (
    select
        topic, object_number, line_number,
        row_number() over (
            partition by topic, event_date, event_id
            order by object_number nulls first, kafka_partition nulls first, kafka_offset nulls first, arrived_at nulls first
        ) as nth
    from acceptable
),

by_event as (
    select topic, object_number, line_number from of_same_moment
    union
    select topic, object_number, line_number from of_same_day
    union
    select topic, object_number, line_number from copies where nth > 1
)
{%- endmacro %}

{#- The lines of a CTE whose event was loaded before, compared by day, id and one more column. -#}
{% macro copies_of_staged(events, lines, column) -%}
  {%- for topic in events %}
    {%- set staged = topic ~ '_by_' ~ column %}
    select {{ lines }}.topic, {{ lines }}.object_number, {{ lines }}.line_number
    from {{ lines }}
    inner join ({{ staged_events(topic, ['event_date', column, 'event_id']) }}) as {{ staged }}
        on {{ lines }}.event_date = {{ staged }}.event_date and {{ lines }}.{{ column }} = {{ staged }}.{{ column }}
            and {{ lines }}.event_id = {{ staged }}.event_id
    where {{ lines }}.topic = '{{ topic }}'
    {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- The events loaded before, of the days (dead letters: of the offsets) that the batch holds. -#}
{% macro staged_events(topic, columns) -%}
  {%- set letters = 'letters_of_' ~ (columns | length) ~ columns[1:2] | join -%}
  {%- if topic == 'dead_letters' -%}
    select event_date, event_ts, event_id, {{ event_hash('event_id') }} as event_hash
    from (
        select {{ no_event_date() }} as event_date, failed_at as event_ts, {{ origin_event_id('topic', 'kafka_partition', 'kafka_offset') }} as event_id
        from {{ source('warehouse', 'dead_letters') }}
        where {{ within_batch('load_dead_letters', 'origin_offset', 'kafka_offset') }}
    ) as {{ letters }}
  {%- else -%}
    select {{ columns | join(', ') }}
    from {{ staged_positions(topic) }}
    where {{ within_batch(load_models()[topic], 'event_date') }}
  {%- endif -%}
{%- endmacro %}

{#- A restarted connector sends a record to the dead letters again: the event of such a letter is
    identified by the position of that record, whenever it failed. -#}
{% macro origin_event_id(topic, partition, offset) -%}
  cast({{ topic }} || ':' || cast({{ partition }} as {{ text_type(20) }}) || ':' || cast({{ offset }} as {{ text_type(20) }}) as {{ text_type(128) }})
{%- endmacro %}

{% macro no_event_date() -%} date '2000-01-01' {%- endmacro %}
