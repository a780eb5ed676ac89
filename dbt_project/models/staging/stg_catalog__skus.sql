-- Every loaded catalog row once. A row counts from the later of its event day and the oldest day
-- that was open to late data when it arrived.
{{ config(
    incremental_strategy='append',
    index=primary_index(['sku_id', 'kafka_partition', 'kafka_offset']),
    statistics=['sku_id', 'counts_from'],
) }}

with lines as (
    select * from {{ ref('load_catalog') }}
),

readings as (
    select object_number, object_key, etag from {{ ref('load_readings') }}
),

duplicates as (
    select * from {{ ref('load_duplicates') }} where topic = 'product_catalog'
)

select
    cast(case
        when lines.event_date < cast(lines.arrived_at as date) - {{ setting('late_days') }}
            then cast(lines.arrived_at as date) - {{ setting('late_days') }}
        else lines.event_date
    end as date) as counts_from,
    lines.sku_id,
    lines.style_id,
    lines.brand,
    lines.department,
    lines.category,
    lines.color,
    lines.size,
    lines.price,
    lines.currency,
    lines.size_share,
    lines.is_active,
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
where lines.problem is null and duplicates.topic is null
