-- Every line that cannot be used, with the reason, once. A line that was more than a day ahead of the
-- loader's clock is read again once the clock has reached it, and released if it can be used then.
{{ config(
    incremental_strategy='merge',
    unique_key=['object_key', 'etag', 'line_number'],
    merge_exclude_columns=['topic', 'raw_line', 'quarantined_at'],
    index=primary_index(['object_key', 'etag', 'line_number']),
    statistics=['object_key'],
) }}

with lines as (
    select {{ topic_name('clickstream') }} as topic, object_number, line_number,
        kafka_partition, kafka_offset, arrived_at, problem, raw_line
    from {{ ref('load_clickstream') }}
    where problem is not null
    union all
    select {{ topic_name('sku_availability') }} as topic, object_number, line_number,
        kafka_partition, kafka_offset, arrived_at, problem, raw_line
    from {{ ref('load_availability') }}
    where problem is not null
    union all
    select {{ topic_name('product_catalog') }} as topic, object_number, line_number,
        kafka_partition, kafka_offset, arrived_at, problem, raw_line
    from {{ ref('load_catalog') }}
    where problem is not null
    union all
    select {{ topic_name('dead_letters') }} as topic, object_number, line_number,
        kafka_partition, kafka_offset, arrived_at, problem, raw_line
    from {{ ref('load_dead_letters') }}
    where problem is not null
),

readings as (
    select object_number, object_key, etag, read_error from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }}
),

-- A line without a position is identified by its place.
kept as (
    select * from {{ source('earlier_audit', 'quarantined_lines') }} where kafka_offset is null and released_at is null
),

arrived as (
    select
        lines.topic, readings.object_key, readings.etag, lines.line_number, lines.kafka_partition, lines.kafka_offset,
        lines.arrived_at, lines.problem as reason, lines.raw_line,
        case when lines.problem like '%ahead of the clock' then lines.arrived_at - interval '1' day end as read_again_at
    from lines
    inner join readings on lines.object_number = readings.object_number
    left join duplicates
        on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
    where duplicates.topic is null
),

-- Of objects that were read again
released as (
    select
        kept.*,
        case when kept.etag = readings.etag and readings.read_error is null then {{ clock() }} end as released_now,
        case when readings.read_error not like 'vanished%' then {{ clock() }} + interval '10' minute end as tried_again_at
    from kept
    inner join readings on kept.object_key = readings.object_key
    left join arrived
        on kept.object_key = arrived.object_key and kept.etag = arrived.etag and kept.line_number = arrived.line_number
    where kept.read_again_at <= {{ clock() }} and arrived.object_key is null
)

select
    arrived.topic, arrived.object_key, arrived.etag, arrived.line_number, arrived.kafka_partition, arrived.kafka_offset,
    arrived.arrived_at, arrived.reason, arrived.raw_line, {{ clock() }} as quarantined_at,
    cast(arrived.read_again_at as timestamp(6)) as read_again_at, cast(null as timestamp(6)) as released_at, {{ load_id() }} as load_id
from arrived
left join kept
    on arrived.object_key = kept.object_key and arrived.etag = kept.etag and arrived.line_number = kept.line_number
where kept.object_key is null or kept.reason <> arrived.reason
union all
select
    topic, object_key, etag, line_number, kafka_partition, kafka_offset, arrived_at, reason, raw_line, quarantined_at,
    cast(tried_again_at as timestamp(6)) as read_again_at, cast(released_now as timestamp(6)) as released_at, {{ load_id() }} as load_id
from released
