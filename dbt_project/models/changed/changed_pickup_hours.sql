-- Hours of a store and a style whose demand for transfers is computed again.
{{ config(index=primary_index(['view_hour', 'store_id', 'style_id'])) }}

select distinct view_date, view_hour, store_id, style_id
from {{ ref('int_pickup__store_parts') }}
where {{ is_new() }}
