-- The batch's stock lines, typed and judged: one row a line.
{{ config(index=primary_index(['object_key', 'line_number'])) }}

with lines as (
    {{ landed_lines('sku_availability') }}
),

positioned as (
    {{ positioned_lines('sku_availability') }}
),

judged as (
    select positioned.*, {{ line_problem('sku_availability') }} as problem from positioned
)

select
    {{ line_columns('sku_availability') }},
    cast(event_id as {{ text_type(128) }}) as event_id,
    cast(sku_id as {{ text_type(128) }}) as sku_id,
    cast(location_id as {{ text_type(128) }}) as location_id,
    {{ try_bigint('available_qty') }} as available_qty,
    cast(reason as {{ text_type(128) }}) as change_reason
from judged
