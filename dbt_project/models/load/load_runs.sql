-- The runs of offsets without a gap in each object of the topics that are not compacted: of lines that
-- are new, and of lines that were seen before.
{{ config(index=primary_index(['object_number', 'kafka_partition', 'first_offset'])) }}

with readings as (
    select
        load_readings.*,
        case
            when lowest_partition = highest_partition and highest_offset - lowest_offset = position_count - 1 and may_repeat = 0 then 1
            else 0
        end as is_whole
    from (select * from {{ ref('load_readings') }}) as load_readings
    where topic in ('clickstream', 'sku_availability') and position_count > 0
),

repeats as (
    select object_number, line_number from {{ ref('load_duplicates') }} where duplicate_of = 'position'
),

lines as (
    {%- for model in ['load_clickstream', 'load_availability'] %}
    select object_number, line_number, kafka_partition, kafka_offset, arrived_at
    from {{ ref(model) }}
    where kafka_offset is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

offsets as (
    select
        lines.object_number, lines.kafka_partition, lines.kafka_offset,
        min(lines.arrived_at) as arrived_at,
        cast(max(case when repeats.object_number is null then 1 else 0 end) as smallint) as is_new
    from lines
    inner join readings on lines.object_number = readings.object_number
    left join repeats on lines.object_number = repeats.object_number and lines.line_number = repeats.line_number
    where readings.is_whole = 0
    group by lines.object_number, lines.kafka_partition, lines.kafka_offset
),

spans as (
    select
        object_number, kafka_partition, is_new, min(kafka_offset) as first_offset, max(kafka_offset) as last_offset,
        min(arrived_at) as arrived_at, count(*) as offset_count
    from offsets
    group by object_number, kafka_partition, is_new
),

-- Only a span with gaps is cut into its runs.
numbered as (
    select
        offsets.*,
        offsets.kafka_offset - row_number() over (
            partition by offsets.object_number, offsets.kafka_partition, offsets.is_new
            order by offsets.kafka_offset nulls first
        ) as run_number
    from offsets
    inner join spans
        on offsets.object_number = spans.object_number and offsets.kafka_partition = spans.kafka_partition
            and offsets.is_new = spans.is_new
    where spans.last_offset - spans.first_offset >= spans.offset_count
),

counted as (
    select object_number, kafka_partition, first_offset, last_offset, arrived_at, is_new
    from spans
    where last_offset - first_offset = offset_count - 1
    union all
    select object_number, kafka_partition, min(kafka_offset), max(kafka_offset), min(arrived_at), is_new
    from numbered
    group by object_number, kafka_partition, is_new, run_number
)

select
    topic, object_number, lowest_partition as kafka_partition, lowest_offset as first_offset, highest_offset as last_offset,
    lowest_arrival as arrived_at, cast(1 as smallint) as is_new
from readings
where is_whole = 1
union all
select
    readings.topic, counted.object_number, counted.kafka_partition, counted.first_offset, counted.last_offset,
    counted.arrived_at, counted.is_new
from counted
inner join readings on counted.object_number = readings.object_number
