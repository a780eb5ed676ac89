-- Every loaded stock event once. tie_partition, tie_offset and tie_arrived_at are the smallest
-- position of all its copies, whenever they arrived: of several events at one instant the one with the highest wins.
{{ config(
    incremental_strategy='merge',
    unique_key=['event_date', 'event_id'],
    merge_exclude_columns=[
        'event_hash', 'sku_id', 'location_id', 'change_reason', 'available_qty', 'event_ts', 'arrived_at', 'kafka_partition',
        'kafka_offset', 'object_key', 'etag', 'first_load_id',
    ],
    meta={'new_rows': 'first_load_id = load_id'},
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
    select lines.*, readings.object_key, readings.etag
    from lines
    inner join readings on lines.object_number = readings.object_number
    left join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where lines.problem is null and lines.is_late = 0 and duplicates.topic is null
),

-- The smallest position of the batch's copies that do not count
copies as (
    select lines.event_date, lines.event_hash, lines.event_id, lines.kafka_partition, lines.kafka_offset, lines.arrived_at
    from lines
    inner join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where duplicates.duplicate_of = 'event'
    qualify row_number() over (
        partition by lines.event_date, lines.event_id
        order by lines.kafka_partition nulls first, lines.kafka_offset nulls first, lines.arrived_at nulls first
    ) = 1
),

ties as (
    select
        event_date, event_hash, event_id, event_ts,
        kafka_partition as tie_partition, kafka_offset as tie_offset, arrived_at as tie_arrived_at
    from accepted
    union all
    select event_date, event_hash, event_id, event_ts, tie_partition, tie_offset, tie_arrived_at
    from {{ source('earlier_staging', 'stg_availability__stock_changes') }}
    where {{ within_batch('load_availability', 'event_date', where='problem is null and is_late = 0') }}
),

-- The events, of the batch or loaded before, of which such a copy has a smaller position
smaller as (
    select
        ties.event_date, ties.event_ts, ties.event_id,
        copies.kafka_partition as tie_partition, copies.kafka_offset as tie_offset, copies.arrived_at as tie_arrived_at
    from copies
    inner join ties
        on copies.event_date = ties.event_date and copies.event_hash = ties.event_hash and copies.event_id = ties.event_id
    where copies.kafka_partition < ties.tie_partition
        or (copies.kafka_partition = ties.tie_partition and copies.kafka_offset < ties.tie_offset)
        or (copies.kafka_partition = ties.tie_partition and copies.kafka_offset = ties.tie_offset
            and copies.arrived_at < ties.tie_arrived_at)
)

select
    accepted.event_date, accepted.event_id, accepted.event_hash, accepted.sku_id, accepted.location_id, accepted.change_reason,
    accepted.available_qty, accepted.event_ts, accepted.arrived_at,
    coalesce(smaller.tie_partition, accepted.kafka_partition) as tie_partition,
    coalesce(smaller.tie_offset, accepted.kafka_offset) as tie_offset,
    coalesce(smaller.tie_arrived_at, accepted.arrived_at) as tie_arrived_at,
    accepted.kafka_partition, accepted.kafka_offset, accepted.object_key, accepted.etag,
    {{ load_id() }} as first_load_id, {{ load_id() }} as load_id
from accepted
left join smaller on accepted.event_date = smaller.event_date and accepted.event_id = smaller.event_id
union all
select
    staged.event_date, staged.event_id, staged.event_hash, staged.sku_id, staged.location_id, staged.change_reason,
    staged.available_qty, staged.event_ts, staged.arrived_at, smaller.tie_partition, smaller.tie_offset, smaller.tie_arrived_at,
    staged.kafka_partition, staged.kafka_offset, staged.object_key, staged.etag,
    staged.first_load_id, {{ load_id() }} as load_id
from (select * from {{ source('earlier_staging', 'stg_availability__stock_changes') }}) as staged
inner join smaller
    on staged.event_date = smaller.event_date and staged.event_ts = smaller.event_ts and staged.event_id = smaller.event_id
