-- Warns for a day of a topic that was deleted and created again: all of it is loaded, but it may be a mistake.
{{ config(severity='warn') }}

with ranges as (
    select * from {{ ref('landed_offsets') }}
),

eras as (
    select topic, kafka_partition, era, min(first_load_id) as first_load_id
    from ranges
    where era > 1
    group by topic, kafka_partition, era
),

landed as (
    select object_key, audited_at from {{ ref('landed_objects') }}
)

select ranges.topic, ranges.kafka_partition, ranges.era, ranges.first_offset, ranges.first_object, landed.audited_at
from eras
inner join ranges
    on eras.topic = ranges.topic and eras.kafka_partition = ranges.kafka_partition and eras.era = ranges.era
        and eras.first_load_id = ranges.first_load_id
inner join landed on ranges.first_object = landed.object_key
where landed.audited_at > {{ clock() }} - interval '1' day
