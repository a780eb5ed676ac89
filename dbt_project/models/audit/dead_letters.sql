-- What Kafka Connect could not write to the lake, once: its position, the reason and its value.
{{ config(
    incremental_strategy='append',
    index=primary_index(['topic', 'kafka_partition', 'kafka_offset']),
    statistics=['object_key'],
) }}

with lines as (
    select * from {{ ref('load_dead_letters') }}
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }} where topic = 'dead_letters'
)

select
    lines.origin_topic as topic,
    lines.origin_partition as kafka_partition,
    lines.origin_offset as kafka_offset,
    lines.reason,
    lines.raw_value as raw_line,
    lines.event_ts as failed_at,
    lines.kafka_partition as letter_partition,
    lines.arrived_at as letter_arrived_at,
    lines.kafka_offset as letter_offset,
    readings.object_key,
    readings.etag,
    lines.line_number,
    {{ load_id() }} as load_id
from lines
inner join readings on lines.object_number = readings.object_number
left join duplicates
    on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
where lines.problem is null and duplicates.topic is null
