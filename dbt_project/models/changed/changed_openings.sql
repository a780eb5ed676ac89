-- SKUs whose stock is computed again at the opening of a day: every SKU on a day that opened, and one
-- with a late stock change on all open days after it. It follows from the opening of `held_from`, the
-- last day whose opening stays, and the stock changes since.
{{ config(index=primary_index(['stock_date', 'sku_id'])) }}

with open_days as (
    select * from {{ ref('int_calendar__open_days') }}
),

stock_changes as (
    select * from {{ ref('stg_availability__stock_changes') }}
),

late_skus as (
    select sku_id, min(event_date) as held_from
    from stock_changes
    where {{ is_new() }} and event_date < (select max(open_days.open_date) from open_days)
    group by sku_id
),

opened as (
    select min(open_date) as first_opened from open_days where {{ is_new() }}
),

day_before as (
    select coalesce(max(open_days.open_date), min(opened.first_opened)) as held_from
    from opened
    left join open_days on open_days.open_date < opened.first_opened
    where opened.first_opened is not null
),

held_skus as (
    select stock_changes.sku_id, day_before.held_from
    from stock_changes
    inner join day_before on stock_changes.event_date >= day_before.held_from
    union
    select sku_id, held_from from late_skus
    {%- if is_published('int_stock__openings') %}
    union
    select published.sku_id, day_before.held_from
    from (select * from {{ source('earlier_intermediate', 'int_stock__openings') }} where is_listed = 1) as published
    inner join day_before on published.stock_date = day_before.held_from
    {%- endif %}
),

skus as (
    select sku_id, min(held_from) as held_from from held_skus group by sku_id
)

select open_days.open_date as stock_date, skus.sku_id, skus.held_from
from skus
inner join open_days on skus.held_from < open_days.open_date
