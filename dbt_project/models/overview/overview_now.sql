-- The 60 minutes up to the newest product view, and the same minutes a day and a week before.
{%- set periods = ['0', '1', '7'] %}
with clock as (
    select * from {{ ref('overview_clock') }}
),

recent_views as (
    select view_ts, in_stock_share, out_of_stock_share, unknown_share
    from {{ ref('fct_twist') }}
    where view_date >= (select clock.newest_date - 8 from clock)
),

newest as (
    select max(view_ts) as newest_view_ts from recent_views
),

periods as (
    {%- for days in periods %}
    select
        cast({{ days }} as smallint) as days_before,
        cast(newest_view_ts - interval '{{ days }}' day - interval '60' minute as timestamp(6)) as after_ts,
        cast(newest_view_ts - interval '{{ days }}' day as timestamp(6)) as until_ts
    from newest
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

in_periods as (
    select recent_views.*,
        cast(case
            {%- for days in periods %}
            when recent_views.view_ts > newest.newest_view_ts - interval '{{ days }}' day - interval '60' minute
                and recent_views.view_ts <= newest.newest_view_ts - interval '{{ days }}' day then {{ days }}
            {%- endfor %}
        end as smallint) as days_before
    from recent_views
    cross join newest
),

totals as (
    select
        days_before,
        cast(count(*) as bigint) as views,
        cast(sum(cast(in_stock_share as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
        cast(sum(cast(out_of_stock_share as decimal(18, 6))) as decimal(18, 6)) as out_of_stock_views,
        cast(sum(cast(unknown_share as decimal(18, 6))) as decimal(18, 6)) as unknown_views
    from in_periods
    where days_before is not null
    group by days_before
)

select
    periods.days_before,
    periods.after_ts,
    periods.until_ts,
    cast(coalesce(totals.views, 0) as bigint) as views,
    cast(coalesce(totals.in_stock_views, 0) as decimal(18, 6)) as in_stock_views,
    cast(coalesce(totals.out_of_stock_views, 0) as decimal(18, 6)) as out_of_stock_views,
    cast(coalesce(totals.unknown_views, 0) as decimal(18, 6)) as unknown_views,
    {{ share_of_sum('totals.in_stock_views', 'totals.out_of_stock_views') }} as twist_rate,
    {{ share_of_sum('(totals.in_stock_views + totals.out_of_stock_views)', 'totals.unknown_views') }} as known_rate
from periods
left join totals on periods.days_before = totals.days_before
