-- Each hour of the newest day, compared with that hour on the 14 days before.
with clock as (
    select * from {{ ref('overview_clock') }}
),

hours as (
    select cast(view_hour as date) as view_date, extract(hour from view_hour) as hour_of_day,
        cast(sum(cast(views as bigint)) as bigint) as views,
        cast(sum(cast(in_stock_views as decimal(18, 6))) as decimal(18, 6)) as in_stock_views,
        cast(sum(cast(out_of_stock_views as decimal(18, 6))) as decimal(18, 6)) as out_of_stock_views,
        cast(sum(cast(unknown_views as decimal(18, 6))) as decimal(18, 6)) as unknown_views
    from {{ ref('fct_twist_hourly') }}
    where view_hour >= (select cast(clock.newest_date - 14 as timestamp(6)) from clock)
    group by cast(view_hour as date), extract(hour from view_hour)
),

rated as (
    select hours.*, clock.newest_date,
        {{ share_of_sum('hours.in_stock_views', 'hours.out_of_stock_views') }} as twist_rate
    from hours
    cross join clock
    where hours.views > 0
),

today as (
    select * from rated where view_date = newest_date
),

band as (
    select hour_of_day,
        count(twist_rate) as band_days,
        min(twist_rate) as low_rate,
        max(twist_rate) as high_rate,
        sum(cast(in_stock_views as decimal(18, 6))) as in_stock_views,
        sum(cast(out_of_stock_views as decimal(18, 6))) as out_of_stock_views
    from rated
    where view_date < newest_date
    group by hour_of_day
),

known_hours as (
    select hour_of_day from today
    union
    select hour_of_day from band
)

select
    cast(cast(clock.newest_date as timestamp(6)) + known_hours.hour_of_day * interval '1' hour as timestamp(6)) as view_hour,
    cast(coalesce(today.views, 0) as bigint) as views,
    cast(coalesce(today.in_stock_views, 0) as decimal(18, 6)) as in_stock_views,
    cast(coalesce(today.out_of_stock_views, 0) as decimal(18, 6)) as out_of_stock_views,
    cast(coalesce(today.unknown_views, 0) as decimal(18, 6)) as unknown_views,
    cast(today.twist_rate as decimal(7, 6)) as twist_rate,
    cast(coalesce(band.band_days, 0) as bigint) as band_days,
    cast(band.low_rate as decimal(7, 6)) as low_rate,
    cast(band.high_rate as decimal(7, 6)) as high_rate,
    {{ share_of_sum('band.in_stock_views', 'band.out_of_stock_views') }} as usual_rate
from known_hours
cross join clock
left join today on known_hours.hour_of_day = today.hour_of_day
left join band on known_hours.hour_of_day = band.hour_of_day
