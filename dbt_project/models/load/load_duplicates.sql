-- The batch's lines that are duplicates, and by which rule: 'position' (the line itself was seen
-- before: same topic, partition, offset and timestamp, as offsets start again when a topic does) or
-- 'event' (another copy of its event was loaded before, or is loaded with this batch).
{{ config(index=primary_index(['object_number', 'line_number'])) }}

with doubtful_objects as (
    select object_number from {{ ref('load_readings') }} where may_repeat = 1
),

doubtful as (
    {%- for topic, model in load_models().items() %}
    select {{ topic_name(topic) }} as topic, object_number, line_number, kafka_partition, kafka_offset, arrived_at
    from {{ ref(model) }}
    where kafka_offset is not null and object_number in (select doubtful_objects.object_number from doubtful_objects)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Rule 2, against what was loaded or set aside before
{%- set is_doubtful %}object_number in (select object_number from {{ ref('load_readings') }} where may_repeat = 1){% endset %}
seen as (
    {%- for topic, model in load_models().items() %}
    select {{ topic_name(topic) }} as topic, kafka_partition, kafka_offset, arrived_at, 1 as hides_replays
    from {{ staged_positions(topic) }}
    where {{ within_batch(model, 'kafka_offset', where=is_doubtful) }}
    union all
    {%- endfor %}
    select topic, kafka_partition, kafka_offset, arrived_at, 0 from {{ source('earlier_audit', 'late_events') }}
    union all
    select topic, kafka_partition, kafka_offset, arrived_at, 0 from {{ source('earlier_audit', 'quarantined_lines') }}
    where kafka_offset is not null
),

-- Rule 2, within the batch: the first line in reading order counts
repeated as (
    select topic, kafka_partition, kafka_offset, arrived_at
    from doubtful
    group by topic, kafka_partition, kafka_offset, arrived_at
    having count(*) > 1
),

ranked as (
    select
        doubtful.topic, doubtful.object_number, doubtful.line_number,
        row_number() over (
            partition by doubtful.topic, doubtful.kafka_partition, doubtful.kafka_offset, doubtful.arrived_at
            order by doubtful.object_number nulls first, doubtful.line_number nulls first
        ) as nth
    from doubtful
    inner join repeated
        on doubtful.topic = repeated.topic and doubtful.kafka_partition = repeated.kafka_partition
            and doubtful.kafka_offset = repeated.kafka_offset and doubtful.arrived_at = repeated.arrived_at
),

by_position as (
    select doubtful.topic, doubtful.object_number, doubtful.line_number
    from doubtful
    inner join seen
        on doubtful.topic = seen.topic and doubtful.kafka_partition = seen.kafka_partition
            and doubtful.kafka_offset = seen.kafka_offset and doubtful.arrived_at = seen.arrived_at
    where doubtful.object_number > 0 or seen.hides_replays = 1
    union
    select topic, object_number, line_number from ranked where nth > 1
),

-- Rule 5: of an event's copies the first one read counts, within an object that of the smallest position
candidates as (
    select load_copies.*
    from (select * from {{ ref('load_copies') }}) as load_copies
    left join by_position
        on load_copies.topic = by_position.topic and load_copies.object_number = by_position.object_number
            and load_copies.line_number = by_position.line_number
    where by_position.topic is null
),

-- A copy nearly always has its event's moment. The whole day's ids are read where none of it was found.
of_same_moment as (
    {{ loaded_copies('candidates', 'event_ts') }}
),

not_found as (
    select candidates.*
    from candidates
    left join of_same_moment
        on candidates.topic = of_same_moment.topic and candidates.object_number = of_same_moment.object_number
            and candidates.line_number = of_same_moment.line_number
    where candidates.is_loaded = 1 and of_same_moment.topic is null
),

of_same_day as (
    {{ loaded_copies('not_found', 'event_hash') }}
),

ranked_copies as (
    select
        topic, object_number, line_number,
        row_number() over (
            partition by topic, event_date, event_id
            order by object_number nulls first, kafka_partition nulls first, kafka_offset nulls first, arrived_at nulls first
        ) as nth
    from candidates
),

by_event as (
    select topic, object_number, line_number from of_same_moment
    union
    select topic, object_number, line_number from of_same_day
    union
    select topic, object_number, line_number from ranked_copies where nth > 1
)

select topic, object_number, line_number, 'position' as duplicate_of from by_position
union all
select topic, object_number, line_number, 'event' as duplicate_of from by_event
