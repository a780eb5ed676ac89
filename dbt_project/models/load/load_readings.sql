-- Each object of the batch as it was read: etag, size and read error, its number of lines, and the
-- ranges of their positions. Etag and size are those of the content that was read, which may be newer
-- than the one that was listed. Object 0 is for the events replayed from audit.late_events.
{{ config(index=primary_index(['object_number'])) }}

with lines as (
    {%- for model in ['load_clickstream', 'load_availability', 'load_catalog', 'load_dead_letters'] %}
    select
        object_number,
        count(*) as line_count,
        count(kafka_offset) as position_count,
        min(kafka_partition) as lowest_partition,
        max(kafka_partition) as highest_partition,
        min(kafka_offset) as lowest_offset,
        max(kafka_offset) as highest_offset,
        min(case when kafka_offset is not null then arrived_at end) as lowest_arrival,
        max(case when kafka_offset is not null then arrived_at end) as highest_arrival,
        case when min(kafka_offset - line_number) = max(kafka_offset - line_number) then 1 else 0 end as is_consecutive
    from {{ ref(model) }}
    where object_number > 0
    group by object_number
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

outcomes as (
    {{ objects_read('lines') }}
),

measured as (
    select
        outcomes.*, lines.line_count, lines.position_count, lines.lowest_partition, lines.highest_partition,
        lines.lowest_offset, lines.highest_offset, lines.lowest_arrival, lines.highest_arrival, lines.is_consecutive,
        max(case when lines.lowest_partition < lines.highest_partition then 1 else 0 end) over (partition by outcomes.topic) as is_mixed,
        max(lines.highest_offset) over (
            partition by outcomes.topic, lines.lowest_partition
            order by lines.lowest_offset nulls first, outcomes.object_number nulls first
            rows between unbounded preceding and 1 preceding
        ) as highest_before,
        min(lines.lowest_offset) over (
            partition by outcomes.topic, lines.lowest_partition
            order by lines.lowest_offset nulls first, outcomes.object_number nulls first
            rows between 1 following and 1 following
        ) as lowest_behind
    from outcomes
    left join lines on outcomes.object_number = lines.object_number
),

-- What was read before: audited objects, and what a killed load had staged or set aside.
known as (
    {{ known_ranges() }}
),

met as (
    select distinct measured.object_number
    from measured
    inner join known
        on measured.topic = known.topic
            and measured.lowest_partition <= known.highest_partition and measured.highest_partition >= known.lowest_partition
            and measured.lowest_offset <= known.highest_offset and measured.highest_offset >= known.lowest_offset
            and measured.lowest_arrival <= known.highest_arrival and measured.highest_arrival >= known.lowest_arrival
)

select
    measured.object_number, measured.topic, measured.folder_hour, measured.object_key, measured.etag,
    measured.object_size, measured.read_error,
    cast(coalesce(measured.line_count, 0) as bigint) as line_count,
    cast(coalesce(measured.position_count, 0) as bigint) as position_count,
    measured.lowest_partition, measured.highest_partition, measured.lowest_offset, measured.highest_offset,
    measured.lowest_arrival, measured.highest_arrival,
    -- A line of it may have been read before, or be in it or in the batch twice
    cast(case
        when measured.is_consecutive = 0 or measured.is_mixed = 1 or measured.highest_before >= measured.lowest_offset
            or measured.lowest_behind <= measured.highest_offset or met.object_number is not null
            then 1
        else 0
    end as smallint) as may_repeat
from measured
left join met on measured.object_number = met.object_number
union all
select
    cast(0 as bigint) as object_number, cast('' as {{ text_type(64) }}) as topic, cast(null as timestamp(6)) as folder_hour,
    cast('' as {{ text_type(1024) }}) as object_key, cast('' as {{ text_type(128) }}) as etag,
    cast(0 as bigint) as object_size, cast(null as {{ text_type(512) }}) as read_error, cast(0 as bigint) as line_count,
    cast(0 as bigint) as position_count, cast(null as bigint) as lowest_partition, cast(null as bigint) as highest_partition,
    cast(null as bigint) as lowest_offset, cast(null as bigint) as highest_offset,
    cast(null as timestamp(6)) as lowest_arrival, cast(null as timestamp(6)) as highest_arrival, cast(1 as smallint) as may_repeat
from (select 1 as one) as replays
