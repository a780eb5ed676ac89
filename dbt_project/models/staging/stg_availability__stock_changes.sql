-- Every loaded stock event once. tie_partition, tie_offset and tie_arrived_at are the smallest
-- position of all its copies, whenever they arrived: of several events at one instant the one with the highest wins.
{{ config(
    incremental_strategy='merge',
    unique_key=['event_date', 'event_id'],
    merge_exclude_columns=[
        'event_hash', 'sku_id', 'location_id', 'change_reason', 'available_qty', 'event_ts', 'arrived_at', 'kafka_partition',
        'kafka_offset', 'object_key', 'etag', 'first_load_id',
    ],
    index=primary_index(['event_date', 'event_id'], day='event_date'),
) }}

with lines as (
    select * from {{ ref('load_availability') }}
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }} where topic = 'sku_availability'
),

accepted as (
    select
        lines.event_date, lines.event_id, lines.event_hash, lines.sku_id, lines.location_id, lines.change_reason,
        lines.available_qty, lines.event_ts, lines.arrived_at,
        lines.kafka_partition as tie_partition,
        lines.kafka_offset as tie_offset,
        lines.arrived_at as tie_arrived_at,
        lines.kafka_partition, lines.kafka_offset, readings.object_key, readings.etag,
        {{ load_id() }} as first_load_id
    from lines
    inner join readings on lines.object_number = readings.object_number
    left join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where lines.problem is null and lines.is_late = 0 and duplicates.topic is null
),

-- The smallest position of the batch's copies that do not count
copies as (
    select lines.event_date, lines.event_id, lines.kafka_partition, lines.kafka_offset, lines.arrived_at
    from lines
    inner join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where duplicates.duplicate_of = 'event'
    qualify row_number() over (
        partition by lines.event_date, lines.event_id
        order by lines.kafka_partition nulls first, lines.kafka_offset nulls first, lines.arrived_at nulls first
    ) = 1
),

staged as (
    select * from {{ source('staged', 'stg_availability__stock_changes') }}
    where {{ within_batch('load_availability', 'event_date') }}
),

events as (
    select accepted.*, 1 as is_accepted from accepted
    union all
    select
        staged.event_date, staged.event_id, staged.event_hash, staged.sku_id, staged.location_id,
        staged.change_reason, staged.available_qty, staged.event_ts, staged.arrived_at,
        staged.tie_partition, staged.tie_offset, staged.tie_arrived_at,
        staged.kafka_partition, staged.kafka_offset, staged.object_key, staged.etag, staged.first_load_id, 0
    from staged
    inner join copies on staged.event_date = copies.event_date and staged.event_id = copies.event_id
),

tied as (
    select
        events.*, copies.kafka_partition as copy_partition, copies.kafka_offset as copy_offset, copies.arrived_at as copy_arrived_at,
        case
            when copies.kafka_partition < events.tie_partition
                or (copies.kafka_partition = events.tie_partition and copies.kafka_offset < events.tie_offset)
                or (copies.kafka_partition = events.tie_partition and copies.kafka_offset = events.tie_offset
                    and copies.arrived_at < events.tie_arrived_at)
                then 1
            else 0
        end as has_smaller_copy
    from events
    left join copies on events.event_date = copies.event_date and events.event_id = copies.event_id
)

select
    event_date, event_id, event_hash, sku_id, location_id, change_reason, available_qty, event_ts, arrived_at,
    case when has_smaller_copy = 1 then copy_partition else tie_partition end as tie_partition,
    case when has_smaller_copy = 1 then copy_offset else tie_offset end as tie_offset,
    case when has_smaller_copy = 1 then copy_arrived_at else tie_arrived_at end as tie_arrived_at,
    kafka_partition, kafka_offset, object_key, etag, first_load_id,
    {{ load_id() }} as load_id
from tied
where is_accepted = 1 or has_smaller_copy = 1
