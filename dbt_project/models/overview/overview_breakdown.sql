-- The newest business day and the seven before it, by channel, department, brand and category: of each the
-- twelve with most views.
{%- set measures = ['in_stock_views', 'out_of_stock_views', 'unknown_views'] %}
with clock as (
    select * from {{ ref('overview_clock') }}
),

days as (
    select * from {{ ref('twist_daily') }}
    where business_date >= (select clock.business_date - 7 from clock)
),

by_member as (
    {%- for breakdown in ['channel', 'department', 'brand', 'category'] %}
    select
        cast('{{ breakdown }}' as {{ text_type(16) }}) as breakdown,
        cast({{ breakdown }} as {{ text_type(256) }}) as member_name,
        business_date, views, in_stock_views, out_of_stock_views, unknown_views
    from days
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

totals as (
    select by_member.breakdown, by_member.member_name, clock.business_date,
        cast(sum(cast(case when by_member.business_date = clock.business_date then by_member.views else 0 end as bigint))
            as bigint) as views,
        {%- for measure in measures %}
        cast(sum(cast(case when by_member.business_date = clock.business_date then by_member.{{ measure }} else 0 end as decimal(18, 6)))
            as decimal(18, 6)) as {{ measure }},
        cast(sum(cast(case when by_member.business_date < clock.business_date then by_member.{{ measure }} else 0 end as decimal(18, 6)))
            as decimal(18, 6)) as week_{{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from by_member
    cross join clock
    group by by_member.breakdown, by_member.member_name, clock.business_date
),

ranked as (
    select totals.*,
        row_number() over (partition by breakdown order by views desc nulls last, member_name asc nulls first) as place,
        count(*) over (partition by breakdown) as members
    from totals
    where views > 0
)

select
    breakdown,
    cast(place as smallint) as place,
    member_name,
    business_date,
    cast(members as bigint) as members,
    views,
    in_stock_views,
    out_of_stock_views,
    unknown_views,
    {{ share_of_sum('in_stock_views', 'out_of_stock_views') }} as twist_rate,
    {{ share_of_sum('(in_stock_views + out_of_stock_views)', 'unknown_views') }} as known_rate,
    {{ share_of_sum('week_in_stock_views', 'week_out_of_stock_views') }} as week_rate
from ranked
where place <= 12
