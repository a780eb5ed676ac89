-- The locations that stock events have named, described by the optional seed.
{{ config(
    unique_key=['location_id'],
    index=primary_index(['location_id']),
) }}

with stock_changes as (
    select * from {{ ref('stg_availability__stock_changes') }} where {{ is_new() }}
),

seen as (
    select location_id from stock_changes
    {%- if is_incremental() %}
    union
    select location_id from {{ this }}
    {%- else %}
    group by location_id
    {%- endif %}
),

described as (
    select * from {{ ref('locations') }}
)

select
    seen.location_id,
    cast(described.location_name as {{ text_type(256) }}) as location_name,
    cast(described.location_type as {{ text_type(64) }}) as location_type,
    cast(described.city as {{ text_type(256) }}) as city,
    cast(described.country as {{ text_type(64) }}) as country,
    {{ load_id() }} as load_id
from seen
left join described on seen.location_id = described.location_id
