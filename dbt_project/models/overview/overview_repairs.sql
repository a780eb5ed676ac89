-- The stock-outs that ended in the last 28 days, by cause, and the mean time to recover.
with clock as (
    select * from {{ ref('overview_clock') }}
),

ended as (
    select * from {{ ref('fct_stockouts') }}
    where is_current = 1 and out_until >= (select cast(clock.newest_date - 27 as timestamp(6)) from clock)
)

select
    cause,
    cast(count(*) as bigint) as stockouts,
    cast(sum(cast(seconds_out as bigint)) as bigint) as seconds_out,
    cast({{ whole_quotient('sum(cast(seconds_out as bigint))', 'count(*)') }} as bigint) as mean_seconds_out,
    cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views
from ended
group by cause
