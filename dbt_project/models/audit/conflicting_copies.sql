-- Every copy of an event that differs from the copy that counts, once, with its text.
{{ config(
    incremental_strategy='merge',
    unique_key=['topic', 'kafka_partition', 'kafka_offset', 'arrived_at'],
    merge_exclude_columns=['object_key', 'etag', 'line_number', 'found_at'],
    index=primary_index(['topic', 'kafka_partition', 'kafka_offset', 'arrived_at']),
) }}

with conflicts as (
    select * from {{ ref('load_conflicts') }}
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
)

select
    conflicts.topic, conflicts.kafka_partition, conflicts.kafka_offset, conflicts.arrived_at,
    conflicts.event_date, conflicts.event_id, conflicts.reason, texts.raw_line,
    readings.object_key, readings.etag, conflicts.line_number, {{ clock() }} as found_at,
    {{ load_id() }} as load_id
from conflicts
inner join readings on conflicts.object_number = readings.object_number
-- no CTE: Teradata takes no function that may count as user-defined inside WITH
left join ({{ texts_of_conflicts() }}) as texts
    on conflicts.topic = texts.topic and conflicts.object_number = texts.object_number
        and conflicts.line_number = texts.line_number
qualify row_number() over (
    partition by conflicts.topic, conflicts.kafka_partition, conflicts.kafka_offset, conflicts.arrived_at
    order by conflicts.object_number nulls first, conflicts.line_number nulls first
) = 1
