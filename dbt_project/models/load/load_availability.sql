-- The batch's stock lines, typed and validated: one row per line.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

select
    {{ line_columns('sku_availability') }},
    {{ bounded_text('event_id', 128) }} as event_id,
    {{ event_hash('event_id') }} as event_hash,
    {{ bounded_text('sku_id', 128) }} as sku_id,
    {{ bounded_text('location_id', 128) }} as location_id,
    {{ try_bigint('available_qty') }} as available_qty,
    {{ bounded_text('reason', 128) }} as change_reason
from ({{ judged_lines('sku_availability') }}) as judged
