-- The offsets that have landed, as ranges without a gap, per partition and era. A range that another
-- one has reached is part of that one, and not current any more.
{{ config(
    incremental_strategy='merge',
    unique_key=['topic', 'kafka_partition', 'era', 'first_offset'],
    merge_exclude_columns=['first_load_id'],
    index=primary_index(['topic', 'kafka_partition', 'era', 'first_offset']),
) }}

with current_ranges as (
    select * from {{ source('earlier_audit', 'landed_offsets') }} where is_current = 1
),

landed as (
    select
        topic, kafka_partition, era, first_offset, last_offset, first_object, last_object, first_load_id
    from current_ranges
    union all
    select topic, kafka_partition, era, first_offset, last_offset, object_key, object_key, {{ load_id() }} from {{ ref('load_eras') }}
),

reached as (
    select
        landed.*,
        max(last_offset) over (
            partition by topic, kafka_partition, era order by first_offset nulls first, last_offset nulls first
            rows between unbounded preceding and 1 preceding
        ) as reached_offset
    from landed
),

joined as (
    select
        reached.*,
        sum(cast(case when reached_offset >= first_offset - 1 then 0 else 1 end as bigint)) over (
            partition by topic, kafka_partition, era order by first_offset nulls first, last_offset nulls first
            rows unbounded preceding
        ) as range_number
    from reached
),

ends as (
    select
        joined.*,
        row_number() over (
            partition by topic, kafka_partition, era, range_number order by first_offset asc nulls first, last_offset desc nulls last
        ) as nth,
        row_number() over (
            partition by topic, kafka_partition, era, range_number order by last_offset desc nulls last, first_offset asc nulls first
        ) as nth_last
    from joined
),

ranges as (
    select
        topic, kafka_partition, era, range_number,
        min(first_offset) as first_offset, max(last_offset) as last_offset,
        max(case when nth = 1 then first_object end) as first_object,
        max(case when nth_last = 1 then last_object end) as last_object,
        min(first_load_id) as first_load_id
    from ends
    group by topic, kafka_partition, era, range_number
)

select
    topic, kafka_partition, cast(era as bigint) as era, first_offset, last_offset, first_object, last_object,
    cast(1 as smallint) as is_current, first_load_id, {{ load_id() }} as load_id
from ranges
union all
select
    current_ranges.topic, current_ranges.kafka_partition, current_ranges.era, current_ranges.first_offset, current_ranges.last_offset,
    current_ranges.first_object, current_ranges.last_object, cast(0 as smallint) as is_current, current_ranges.first_load_id,
    {{ load_id() }} as load_id
from current_ranges
left join ranges
    on current_ranges.topic = ranges.topic and current_ranges.kafka_partition = ranges.kafka_partition
        and current_ranges.era = ranges.era and current_ranges.first_offset = ranges.first_offset
where ranges.topic is null
