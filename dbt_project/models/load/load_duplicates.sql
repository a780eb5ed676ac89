-- The batch's lines that are duplicates, and by which rule: 'position' (the line itself was seen
-- before: same topic, partition, offset and timestamp, as offsets start again when a topic does) or
-- 'event' (another copy of its event was loaded before, or is loaded with this batch).
-- Staging is read by name: a ref would be a cycle.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

with lines as (
    select {{ topic_name('clickstream') }} as topic, object_number, line_number, kafka_partition,
        kafka_offset, arrived_at, event_date, event_id, problem, is_late
    from {{ ref('load_clickstream') }}
    where kafka_offset is not null
    union all
    select {{ topic_name('sku_availability') }} as topic, object_number, line_number, kafka_partition,
        kafka_offset, arrived_at, event_date, event_id, problem, is_late
    from {{ ref('load_availability') }}
    where kafka_offset is not null
    union all
    select {{ topic_name('product_catalog') }} as topic, object_number, line_number, kafka_partition,
        kafka_offset, arrived_at, event_date, cast(null as {{ text_type(128) }}), problem, is_late
    from {{ ref('load_catalog') }}
    where kafka_offset is not null
    union all
    select {{ topic_name('dead_letters') }} as topic, object_number, line_number, kafka_partition,
        kafka_offset, arrived_at, {{ no_event_date() }},
        {{ origin_event_id('origin_topic', 'origin_partition', 'origin_offset') }}, problem, is_late
    from {{ ref('load_dead_letters') }}
    where kafka_offset is not null
),

-- Rule 2, against what was loaded or set aside before
staged as (
    select {{ topic_name('clickstream') }} as topic, kafka_partition, kafka_offset, arrived_at
    from {{ source('staged', 'stg_clickstream__events') }}
    where {{ within_batch('load_clickstream', 'kafka_offset') }}
    union all
    select {{ topic_name('sku_availability') }} as topic, kafka_partition, kafka_offset, arrived_at
    from {{ source('staged', 'stg_availability__stock_changes') }}
    where {{ within_batch('load_availability', 'kafka_offset') }}
    union all
    select {{ topic_name('product_catalog') }} as topic, kafka_partition, kafka_offset, arrived_at
    from {{ source('staged', 'stg_catalog__skus') }}
    where {{ within_batch('load_catalog', 'kafka_offset') }}
    union all
    select {{ topic_name('dead_letters') }} as topic, letter_partition, letter_offset, letter_arrived_at
    from {{ source('warehouse', 'dead_letters') }}
    where {{ within_batch('load_dead_letters', 'kafka_offset', 'letter_offset') }}
),

seen as (
    select topic, kafka_partition, kafka_offset, arrived_at, 1 as hides_replays from staged
    union all
    select topic, kafka_partition, kafka_offset, arrived_at, 0 from {{ source('warehouse', 'late_events') }}
    union all
    select topic, kafka_partition, kafka_offset, arrived_at, 0 from {{ source('warehouse', 'quarantined_lines') }}
    where kafka_offset is not null
),

-- Rule 2, within the batch: the first line in reading order counts
repeated as (
    select topic, kafka_partition, kafka_offset, arrived_at
    from lines
    group by topic, kafka_partition, kafka_offset, arrived_at
    having count(*) > 1
),

ranked as (
    select
        lines.topic, lines.object_number, lines.line_number,
        row_number() over (
            partition by lines.topic, lines.kafka_partition, lines.kafka_offset, lines.arrived_at
            order by lines.object_number nulls first, lines.line_number nulls first
        ) as nth
    from lines
    inner join repeated
        on lines.topic = repeated.topic and lines.kafka_partition = repeated.kafka_partition
            and lines.kafka_offset = repeated.kafka_offset and lines.arrived_at = repeated.arrived_at
),

by_position as (
    select lines.topic, lines.object_number, lines.line_number
    from lines
    inner join seen
        on lines.topic = seen.topic and lines.kafka_partition = seen.kafka_partition
            and lines.kafka_offset = seen.kafka_offset and lines.arrived_at = seen.arrived_at
    where lines.object_number > 0 or seen.hides_replays = 1
    union
    select topic, object_number, line_number from ranked where nth > 1
),

-- Rule 5: of an event's copies the smallest position counts, unless one was loaded before
{{ event_copies() }}

select topic, object_number, line_number, 'position' as duplicate_of from by_position
union all
select topic, object_number, line_number, 'event' as duplicate_of from by_event
