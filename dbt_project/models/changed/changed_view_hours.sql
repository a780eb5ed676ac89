-- Hours in which a view of the style is new or was judged otherwise than before.
{{ config(index=primary_index(['view_hour', 'style_id'])) }}

select distinct view_date, view_hour, style_id
from {{ ref('fct_twist') }}
where {{ is_new() }}
