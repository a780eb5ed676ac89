-- The channels, departments and brands whose TWIST fell: in the newest whole hour it was below that of the
-- same hour of each of the 14 days before, with at least 50 views of known stock. Usually none.
{{ config(materialized='view') }}

with newest_day as (
    select max(view_date) as view_date from {{ ref('fct_conversion_daily') }} where views > 0
),

recent_hours as (
    select * from {{ ref('fct_twist_hourly') }}
    where view_hour >= (select cast(newest_day.view_date - 15 as timestamp(6)) from newest_day)
),

newest as (
    select cast(max(view_hour) - interval '1' hour as timestamp(6)) as newest_hour from recent_hours where views > 0
),

hours as (
    select recent_hours.*, newest.newest_hour
    from recent_hours
    cross join newest
    where recent_hours.view_hour <= newest.newest_hour and recent_hours.view_hour >= newest.newest_hour - interval '14' day
        and extract(hour from recent_hours.view_hour) = extract(hour from newest.newest_hour)
),

products as (
    select * from {{ ref('dim_product_history') }}
),

described as (
    select hours.newest_hour, hours.view_hour, hours.channel, products.department, products.brand,
        hours.in_stock_views, hours.out_of_stock_views
    from hours
    inner join products
        on hours.style_id = products.style_id and hours.sku_id = products.sku_id
            and cast(hours.view_hour as date) >= products.valid_from and cast(hours.view_hour as date) < products.valid_to
),

members as (
    {%- for breakdown in ['channel', 'department', 'brand'] %}
    select cast('{{ breakdown }}' as {{ text_type(16) }}) as breakdown, cast({{ breakdown }} as {{ text_type(256) }}) as member_name,
        newest_hour, view_hour, in_stock_views, out_of_stock_views
    from described
    where {{ breakdown }} <> ''
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

totals as (
    select breakdown, member_name, newest_hour, view_hour,
        cast(sum(cast(in_stock_views as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
        cast(sum(cast(out_of_stock_views as decimal(18, 6))) as decimal(18, 6)) as out_of_stock_views
    from members
    group by breakdown, member_name, newest_hour, view_hour
),

rated as (
    select totals.*, cast(in_stock_views + out_of_stock_views as decimal(18, 6)) as known_views,
        {{ share_of_sum('in_stock_views', 'out_of_stock_views') }} as twist_rate
    from totals
),

bands as (
    select breakdown, member_name, count(twist_rate) as band_days, min(twist_rate) as low_rate, max(twist_rate) as high_rate
    from rated
    where view_hour < newest_hour
    group by breakdown, member_name
)

select rated.breakdown, rated.member_name, rated.view_hour, rated.known_views, rated.twist_rate,
    cast(bands.band_days as bigint) as band_days, bands.low_rate, bands.high_rate
from rated
inner join bands on rated.breakdown = bands.breakdown and rated.member_name = bands.member_name
where rated.view_hour = rated.newest_hour and rated.known_views >= 50 and rated.twist_rate < bands.low_rate and bands.band_days >= 3
