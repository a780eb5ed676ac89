-- Every loaded clickstream event once.
{{ config(
    incremental_strategy='append',
    partitioned_by='event_type',
    index=primary_index(['event_date', 'event_id'], day='event_date'),
    statistics=['event_date', 'event_id'],
) }}

with lines as (
    select * from {{ ref('load_clickstream') }}
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }} where topic = 'clickstream'
)

select
    lines.event_date,
    lines.event_id,
    lines.event_hash,
    lines.style_id,
    lines.sku_id,
    lines.session_id,
    lines.visitor_id,
    lines.store_id,
    lines.order_id,
    lines.event_type,
    lines.channel,
    lines.fulfilment,
    lines.is_human,
    lines.quantity,
    lines.url,
    lines.referrer,
    lines.user_agent,
    lines.event_ts,
    lines.arrived_at,
    lines.kafka_partition,
    lines.kafka_offset,
    readings.object_key,
    readings.etag,
    {{ load_id() }} as load_id
from lines
inner join readings on lines.object_number = readings.object_number
left join duplicates
    on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
where lines.problem is null and lines.is_late = 0 and duplicates.topic is null
