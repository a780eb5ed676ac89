-- Every line that cannot be used, with the reason, once.
{{ config(
    incremental_strategy='append',
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
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }}
),

-- A line without a position is identified by its place: after a crash it is read again.
kept as (
    select object_key, etag, line_number
    from {{ source('warehouse', 'quarantined_lines') }}
    where kafka_offset is null
)

select
    lines.topic,
    readings.object_key,
    readings.etag,
    lines.line_number,
    lines.kafka_partition,
    lines.kafka_offset,
    lines.arrived_at,
    lines.problem as reason,
    lines.raw_line,
    {{ clock() }} as quarantined_at,
    {{ load_id() }} as load_id
from lines
inner join readings on lines.object_number = readings.object_number
left join duplicates
    on lines.object_number = duplicates.object_number and lines.line_number = duplicates.line_number
left join kept
    on readings.object_key = kept.object_key and readings.etag = kept.etag
        and lines.line_number = kept.line_number
where duplicates.topic is null and kept.object_key is null
