-- Every event that came too late to count, once, with its replay.
-- depends_on: {{ ref('stg_clickstream__events') }} {{ ref('stg_availability__stock_changes') }}
{{ config(
    incremental_strategy='merge',
    unique_key=['topic', 'kafka_partition', 'kafka_offset', 'arrived_at'],
    index=primary_index(['topic', 'kafka_partition', 'kafka_offset', 'arrived_at']),
) }}

with lines as (
    select {{ topic_name('clickstream') }} as topic, object_number, line_number, kafka_partition, kafka_offset,
        event_id, event_ts, arrived_at, raw_line
    from {{ ref('load_clickstream') }}
    where is_late = 1
    union all
    select {{ topic_name('sku_availability') }} as topic, object_number, line_number, kafka_partition, kafka_offset,
        event_id, event_ts, arrived_at, raw_line
    from {{ ref('load_availability') }}
    where is_late = 1
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }}
),

arrived as (
    select
        lines.topic, lines.kafka_partition, lines.kafka_offset,
        lines.event_id, lines.event_ts, lines.arrived_at,
        {{ reason_late() }} as reason,
        lines.raw_line, readings.object_key, readings.etag, lines.line_number,
        cast(null as timestamp(6)) as replay_requested_at,
        cast(null as timestamp(6)) as replayed_at,
        {{ load_id() }} as load_id
    from lines
    inner join readings on lines.object_number = readings.object_number
    left join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where duplicates.topic is null
),

-- A replay is done: its row was staged (under no object), or its event was already staged.
requested as (
    select * from {{ source('earlier_audit', 'late_events') }} where replay_requested_at is not null
),

staged as (
    select {{ topic_name('clickstream') }} as topic, kafka_partition, kafka_offset, arrived_at
    from {{ ref('stg_clickstream__events') }}
    where object_key = '' and exists (select 1 from requested)
    union all
    select {{ topic_name('sku_availability') }} as topic, kafka_partition, kafka_offset, arrived_at
    from {{ ref('stg_availability__stock_changes') }}
    where object_key = '' and exists (select 1 from requested)
),

replayed as (
    select
        requested.topic, requested.kafka_partition, requested.kafka_offset,
        requested.event_id, requested.event_ts, requested.arrived_at, requested.reason,
        requested.raw_line, requested.object_key, requested.etag, requested.line_number,
        cast(null as timestamp(6)) as replay_requested_at,
        case when staged.topic is not null then {{ clock() }} end as replayed_at,
        requested.load_id
    from requested
    left join staged
        on requested.topic = staged.topic and requested.kafka_partition = staged.kafka_partition
            and requested.kafka_offset = staged.kafka_offset and requested.arrived_at = staged.arrived_at
)

select * from arrived
union all
select * from replayed
