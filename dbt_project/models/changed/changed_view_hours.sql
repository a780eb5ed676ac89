-- Hours in which a view of the style is new or was judged otherwise than before, and the store where it is
-- a pickup.
{{ config(index=primary_index(['view_hour', 'style_id'])) }}

select distinct view_date, view_hour, case when store_share is not null then store_id end as store_id, style_id
from {{ ref('fct_twist') }}
where {{ is_new() }}
