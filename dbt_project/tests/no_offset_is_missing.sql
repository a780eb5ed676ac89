-- Warns until each range lands, becomes dead letters, or `make accept` closes it.
{{ config(severity='warn') }}
select topic, kafka_partition, first_offset, last_offset, before_object, after_object
from {{ ref('missing_offsets') }}
where accepted_why is null
