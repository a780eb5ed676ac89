-- The days that exist: those with an accepted human product view or stock change.
{{ config(
    unique_key=['open_date'],
    index=primary_index(['open_date']),
) }}

with events as (
    select * from {{ ref('stg_clickstream__events') }} where {{ is_new() }}
),

stock_changes as (
    select * from {{ ref('stg_availability__stock_changes') }} where {{ is_new() }}
),

days as (
    select event_date as open_date from events where event_type = 'product_view' and is_human = 1
    union
    select event_date as open_date from stock_changes
)

select open_date, {{ load_id() }} as load_id from days
