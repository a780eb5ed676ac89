-- The batch's dead letters, typed and validated: one row per line.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

select
    {{ line_columns('dead_letters') }},
    {{ origin_event_id('origin_topic', 'origin_partition', 'origin_offset', bounded_text('raw_value', 32000)) }} as event_id,
    {{ event_hash(origin_event_id('origin_topic', 'origin_partition', 'origin_offset', bounded_text('raw_value', 32000))) }} as event_hash,
    {{ bounded_text('origin_topic', 64) }} as origin_topic,
    {{ try_bigint('origin_partition') }} as origin_partition,
    {{ try_bigint('origin_offset') }} as origin_offset,
    {{ bounded_text('reason', 512) }} as reason,
    {{ bounded_text('raw_value', 32000) }} as raw_value
from ({{ without_forgotten('dead_letters', judged_lines('dead_letters')) }}) as judged
