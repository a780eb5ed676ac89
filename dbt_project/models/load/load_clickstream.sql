-- The batch's clickstream lines, typed and validated: one row per line.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

select
    {{ line_columns('clickstream') }},
    {{ bounded_text('event_id', 128) }} as event_id,
    {{ event_hash('event_id') }} as event_hash,
    {{ bounded_text('event_type', 128) }} as event_type,
    {{ bounded_text('session_id', 128) }} as session_id,
    {{ bounded_text('visitor_id', 128) }} as visitor_id,
    {{ bounded_text('channel', 128) }} as channel,
    {{ bounded_text("coalesce(fulfilment, 'ship')", 16) }} as fulfilment,
    {{ bounded_text('store_id', 128) }} as store_id,
    {{ bounded_text('style_id', 128) }} as style_id,
    {{ bounded_text('sku_id', 128) }} as sku_id,
    cast({{ try_bigint('quantity') }} as bigint) as quantity,
    {{ bounded_text('order_id', 128) }} as order_id,
    -- bots are detected in the full text
    cast({{ is_human('user_agent') }} as smallint) as is_human,
    {{ bounded_text('url', 2048) }} as url,
    {{ bounded_text('referrer', 2048) }} as referrer,
    {{ bounded_text('user_agent', 2048) }} as user_agent
from ({{ without_forgotten('clickstream', judged_lines('clickstream')) }}) as judged
