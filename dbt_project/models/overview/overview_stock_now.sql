-- Whether each SKU with a known stock state is in stock now, and since when, within 14 days.
with clock as (
    select * from {{ ref('overview_clock') }}
),

-- Each day begins with the state of the day before, so every SKU with stock events is in each day.
flips as (
    select sku_id, valid_from, in_stock
    from {{ ref('int_stock__sku_flips') }}
    where stock_date >= (select clock.newest_date - 14 from clock)
),

last_flips as (
    select sku_id,
        max(case when in_stock = 1 then valid_from end) as last_in_from,
        max(case when in_stock = 0 then valid_from end) as last_out_from
    from flips
    group by sku_id
),

states as (
    select sku_id, last_in_from, last_out_from,
        case when last_out_from is null or last_in_from > last_out_from then 1 else 0 end as in_stock,
        case when last_in_from is null or last_out_from is null then 0 else 1 end as is_since_exact
    from last_flips
)

select
    states.sku_id,
    cast(states.in_stock as smallint) as in_stock,
    cast(min(flips.valid_from) as timestamp(6)) as since_ts,
    cast(states.is_since_exact as smallint) as is_since_exact
from states
inner join flips on states.sku_id = flips.sku_id and states.in_stock = flips.in_stock
where states.is_since_exact = 0
    or (states.in_stock = 1 and flips.valid_from > states.last_out_from)
    or (states.in_stock = 0 and flips.valid_from > states.last_in_from)
group by states.sku_id, states.in_stock, states.is_since_exact
