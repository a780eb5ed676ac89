-- The batch's runs of offsets, each with its era: offsets start again when a topic is deleted and
-- created, or moved to another cluster.
{{ config(index=primary_index(['topic', 'kafka_partition', 'era', 'first_offset'])) }}

with readings as (
    select object_number, object_key from {{ ref('load_readings') }}
),

batch as (
    select * from {{ ref('load_runs') }}
),

-- Numbered from 1 in the order of their arrival
runs as (
    select
        batch.topic, batch.kafka_partition, batch.first_offset, batch.last_offset, batch.is_new, readings.object_key,
        row_number() over (
            partition by batch.topic, batch.kafka_partition
            order by batch.arrived_at nulls first, batch.first_offset nulls first, batch.object_number nulls first
        ) as place
    from batch
    inner join readings on batch.object_number = readings.object_number
),

current_ranges as (
    select * from {{ source('earlier_audit', 'landed_offsets') }} where is_current = 1
),

newest as (
    select topic, kafka_partition, max(era) as era from current_ranges group by topic, kafka_partition
),

landed_before as (
    select
        current_ranges.topic, current_ranges.kafka_partition, current_ranges.first_offset, current_ranges.last_offset,
        cast(0 as bigint) as place
    from current_ranges
    inner join newest
        on current_ranges.topic = newest.topic and current_ranges.kafka_partition = newest.kafka_partition
            and current_ranges.era = newest.era
    union all
    select topic, kafka_partition, first_offset, last_offset, place from runs where is_new = 1
),

-- A new line at an offset that had landed has another timestamp: the offsets have started again.
again as (
    select distinct runs.topic, runs.kafka_partition, runs.place
    from runs
    inner join landed_before
        on runs.topic = landed_before.topic and runs.kafka_partition = landed_before.kafka_partition
            and runs.place > landed_before.place
            and runs.first_offset <= landed_before.last_offset and runs.last_offset >= landed_before.first_offset
    where runs.is_new = 1
),

marked as (
    select
        runs.*, coalesce(newest.era, 1) as newest_era,
        case when again.place is not null then 1 else 0 end as is_again,
        max(case when again.place is not null then runs.last_offset end) over (
            partition by runs.topic, runs.kafka_partition order by runs.place nulls first
            rows between 1 preceding and 1 preceding
        ) as last_again
    from runs
    left join newest on runs.topic = newest.topic and runs.kafka_partition = newest.kafka_partition
    left join again
        on runs.topic = again.topic and runs.kafka_partition = again.kafka_partition and runs.place = again.place
    where runs.is_new = 1
),

-- An era begins with the first such run, and with each one that does not follow on the one before it.
placed as (
    select
        topic, kafka_partition, first_offset, last_offset, object_key,
        newest_era + sum(cast(case when is_again = 1 and (last_again is null or first_offset <= last_again) then 1 else 0 end as bigint))
            over (partition by topic, kafka_partition order by place nulls first rows unbounded preceding) as era
    from marked
),

-- A run without a new line is that of a redelivered object, of whatever era; or a load was killed that had
-- staged it.
unplaced as (
    select runs.topic, runs.kafka_partition, runs.first_offset, runs.last_offset, runs.object_key, coalesce(newest.era, 1) as era
    from runs
    left join newest on runs.topic = newest.topic and runs.kafka_partition = newest.kafka_partition
    left join current_ranges
        on runs.topic = current_ranges.topic and runs.kafka_partition = current_ranges.kafka_partition
            and runs.first_offset >= current_ranges.first_offset and runs.last_offset <= current_ranges.last_offset
    where runs.is_new = 0 and current_ranges.topic is null
)

select topic, kafka_partition, cast(era as bigint) as era, first_offset, last_offset, object_key from placed
union all
select topic, kafka_partition, cast(era as bigint) as era, first_offset, last_offset, object_key from unplaced
