-- The offsets that have not landed though later ones have, and that are no dead letters: records that
-- never reached the lake, or that were overwritten in it.
{{ config(materialized='view') }}

with ranges as (
    select * from {{ ref('landed_offsets') }} where is_current = 1
),

bounds as (
    select topic, kafka_partition, era, min(first_offset) as lowest, max(last_offset) as highest
    from ranges
    group by topic, kafka_partition, era
),

letters as (
    select topic, kafka_partition, kafka_offset from {{ ref('dead_letters') }}
),

accounted as (
    select topic, kafka_partition, era, first_offset, last_offset, first_object, last_object from ranges
    union all
    select bounds.topic, bounds.kafka_partition, bounds.era, letters.kafka_offset, letters.kafka_offset, null, null
    from letters
    inner join bounds
        on letters.topic = bounds.topic and letters.kafka_partition = bounds.kafka_partition
            and letters.kafka_offset > bounds.lowest and letters.kafka_offset < bounds.highest
),

reached as (
    select
        accounted.*,
        max(last_offset) over (
            partition by topic, kafka_partition, era order by first_offset nulls first, last_offset nulls first
            rows between unbounded preceding and 1 preceding
        ) as reached_offset
    from accounted
),

gaps as (
    select topic, kafka_partition, era, reached_offset + 1 as first_offset, first_offset - 1 as last_offset
    from reached
    where first_offset - 1 > reached_offset
),

accepted as (
    select * from {{ source('bookkeeping', 'accepted_offsets') }}
),

beside as (
    select
        gaps.topic, gaps.kafka_partition, gaps.era, gaps.first_offset, gaps.last_offset,
        max(case when ranges.last_offset < gaps.first_offset then ranges.last_offset end) as last_before,
        min(case when ranges.first_offset > gaps.last_offset then ranges.first_offset end) as first_after
    from gaps
    inner join ranges
        on gaps.topic = ranges.topic and gaps.kafka_partition = ranges.kafka_partition and gaps.era = ranges.era
    group by gaps.topic, gaps.kafka_partition, gaps.era, gaps.first_offset, gaps.last_offset
),

closed as (
    select
        gaps.topic, gaps.kafka_partition, gaps.era, gaps.first_offset, max(accepted.accepted_why) as accepted_why
    from gaps
    inner join accepted
        on gaps.topic = accepted.topic and gaps.kafka_partition = accepted.kafka_partition
            and gaps.era = coalesce(accepted.era, gaps.era)
            and gaps.first_offset >= accepted.first_offset and gaps.last_offset <= accepted.last_offset
    group by gaps.topic, gaps.kafka_partition, gaps.era, gaps.first_offset
),

placed as (
    select
        beside.topic, beside.kafka_partition, beside.era, beside.first_offset, beside.last_offset,
        cast(beside.last_offset - beside.first_offset + 1 as bigint) as offsets,
        ranges_before.last_object as before_object, ranges_after.first_object as after_object, closed.accepted_why
    from beside
    left join ranges as ranges_before
        on beside.topic = ranges_before.topic and beside.kafka_partition = ranges_before.kafka_partition
            and beside.era = ranges_before.era and beside.last_before = ranges_before.last_offset
    left join ranges as ranges_after
        on beside.topic = ranges_after.topic and beside.kafka_partition = ranges_after.kafka_partition
            and beside.era = ranges_after.era and beside.first_after = ranges_after.first_offset
    left join closed
        on beside.topic = closed.topic and beside.kafka_partition = closed.kafka_partition
            and beside.era = closed.era and beside.first_offset = closed.first_offset
),

inside as (
    select before_object, cast(sum(cast(offsets as decimal(38, 0))) as decimal(38, 0)) as offsets
    from placed
    where before_object = after_object
    group by before_object
),

-- A line that was landed again under the same key is one line.
without_position as (
    select object_key, count(distinct line_number) as lines
    from {{ ref('quarantined_lines') }}
    where kafka_offset is null and released_at is null
    group by object_key
),

-- The offsets between an object's lines are those of its lines without a readable position.
landed_unread as (
    select inside.before_object
    from inside
    inner join without_position on inside.before_object = without_position.object_key
    where inside.offsets <= without_position.lines
)

select
    placed.topic, placed.kafka_partition, placed.era, placed.first_offset, placed.last_offset, placed.offsets,
    cast(placed.before_object as {{ text_type(1024) }}) as before_object,
    cast(placed.after_object as {{ text_type(1024) }}) as after_object,
    cast(placed.accepted_why as {{ text_type(1024) }}) as accepted_why
from placed
left join landed_unread
    on placed.before_object = landed_unread.before_object and placed.after_object = landed_unread.before_object
where landed_unread.before_object is null
