-- The batch's clickstream lines, typed and judged: one row a line.
{{ config(index=primary_index(['object_key', 'line_number'])) }}

with lines as (
    {{ landed_lines('clickstream') }}
),

positioned as (
    {{ positioned_lines('clickstream') }}
),

judged as (
    select positioned.*, {{ line_problem('clickstream') }} as problem from positioned
)

select
    {{ line_columns('clickstream') }},
    cast(event_id as {{ text_type(128) }}) as event_id,
    cast(event_type as {{ text_type(128) }}) as event_type,
    cast(session_id as {{ text_type(128) }}) as session_id,
    cast(visitor_id as {{ text_type(128) }}) as visitor_id,
    cast(channel as {{ text_type(128) }}) as channel,
    cast(coalesce(fulfilment, 'ship') as {{ text_type(16) }}) as fulfilment,
    cast(store_id as {{ text_type(128) }}) as store_id,
    cast(style_id as {{ text_type(128) }}) as style_id,
    cast(sku_id as {{ text_type(128) }}) as sku_id,
    -- bots are judged before the cut
    cast({{ is_human('user_agent') }} as smallint) as is_human,
    cast(substring(url from 1 for 2048) as {{ text_type(2048) }}) as url,
    cast(substring(referrer from 1 for 2048) as {{ text_type(2048) }}) as referrer,
    cast(substring(user_agent from 1 for 2048) as {{ text_type(2048) }}) as user_agent
from judged
