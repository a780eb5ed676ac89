-- [table] lines are read as JSON and typed in derived tables
select
    cast(event_id as varchar(128) character set unicode) as event_id,
    cast(trycast(oreplace(oreplace(event_ts_text, 'T', ' '), 'Z', '') as timestamp(6)) as timestamp(6))
        as event_ts,
    cast(kafka_offset as bigint) as kafka_offset
from (
    select
        cast(document.jsonextractlargevalue('$.event_id') as varchar(128) character set unicode)
            as event_id,
        cast(document.jsonextract('$.event_ts') as varchar(99) character set unicode)
            as event_ts_text,
        trycast(document.jsonextractvalue('$._offset') as bigint) as kafka_offset
    from (
        select cast(case when json_check(raw_line) = 'OK' then raw_line end
            as json(32000) character set unicode) as document
        from "twist_landing"."landing_clickstream" /* one's own topic; not 'others' */
    ) as documents
) as fields
where regexp_similar(event_ts_text, '[0-9]{4}-.*', 'c') = 1
    and char_length(event_id) between 1 and 128
qualify row_number() over (partition by event_id order by kafka_offset nulls first) = 1

-- [table] stock states are running sums of level changes with flips
with levels as (
    select stock_date, sku_id, location_id, cast(stock_date as timestamp(6)) as event_ts,
        cast(-1 as bigint) as kafka_offset, available_qty
    from "twist_int"."openings"
    union all
    select event_date, sku_id, location_id, event_ts, kafka_offset, available_qty
    from "twist_stg"."stock_changes"
),
level_deltas as (
    select
        stock_date,
        sku_id,
        event_ts,
        available_qty - coalesce(lag(available_qty) over (
            partition by stock_date, sku_id, location_id
            order by event_ts nulls first, kafka_offset nulls first
        ), 0) as qty_delta
    from levels
),
instants as (
    select stock_date, sku_id, event_ts as valid_from,
        sum(cast(qty_delta as bigint)) as qty_delta
    from level_deltas
    group by stock_date, sku_id, event_ts
),
network as (
    select instants.*, sum(cast(qty_delta as bigint)) over (
        partition by stock_date, sku_id order by valid_from nulls first
        rows unbounded preceding
    ) as network_qty
    from instants
),
flagged as (
    select network.*, case when network_qty >= 1 then 1 else 0 end as in_stock from network
),
stepped as (
    select
        flagged.*,
        case
            when in_stock = lag(in_stock) over (
                partition by stock_date, sku_id order by valid_from nulls first
            ) then 0
            else 1
        end as is_flip,
        lead(valid_from, 1, cast(stock_date + interval '1' day as timestamp(6))) over (
            partition by stock_date, sku_id order by valid_from nulls first
        ) as valid_to
    from flagged
)
select stock_date, sku_id, valid_from, valid_to, network_qty, in_stock, is_flip from stepped

-- [table] the fact takes the last state before a view
with states as (select * from "d"."sku_states"),
page_views as (select * from "d"."product_views"),
timeline as (
    select
        stock_date, sku_id as product_id, valid_from as view_ts, 0 as is_view,
        cast(null as varchar(128) character set unicode) as view_id,
        in_ppm, network_qty, valid_from as state_from
    from states
    union all
    select view_date, coalesce(sku_id, style_id), view_ts, 1, view_id, null, null, null
    from page_views
),
filled as (
    select
        view_id,
        view_ts,
        is_view,
        last_value(in_ppm ignore nulls) over (
            partition by stock_date, product_id order by view_ts nulls first, is_view nulls first
            rows unbounded preceding
        ) as in_ppm,
        coalesce(last_value(network_qty ignore nulls) over (
            partition by stock_date, product_id order by view_ts nulls first, is_view nulls first
            rows between unbounded preceding and current row
        ), 0) as network_qty
    from timeline
)
select
    cast(view_ts as date) as view_date,
    view_id,
    cast(cast(view_ts as date) as timestamp(6))
        + extract(hour from view_ts) * interval '1' hour as view_hour,
    extract(hour from view_ts) as hour_of_day,
    cast(cast(in_ppm as decimal(18, 6)) / cast(1000000 as decimal(18, 6)) as decimal(7, 6))
        as in_stock_share,
    cast(network_qty as bigint) as network_qty
from filled
where is_view = 1

-- [table] lost demand joins intervals by range
with step_views as (
    select view_date, view_hour, style_id, state_from, cast(count(*) as bigint) as views
    from fct_twist
    where sku_id is null and state_from is not null
    group by 1, 2, 3, 4
),
lost as (
    select step_views.view_hour, sku_intervals.sku_id,
        cast(step_views.views as decimal(18, 6)) * sku_intervals.size_share as lost_views
    from step_views
    left join sku_intervals
        on sku_intervals.style_id = step_views.style_id
        and step_views.state_from >= sku_intervals.valid_from
        and step_views.state_from < sku_intervals.valid_to
    where sku_intervals.in_stock = 0
)
select
    view_hour,
    coalesce(sku_id, '') as sku_id,
    cast(sum(cast(lost_views as decimal(18, 6))) as decimal(18, 6)) as lost_views
from lost
group by view_hour, coalesce(sku_id, '')
having sum(cast(lost_views as decimal(18, 6))) > 0

-- [view] a view measures lag against the clock
replace view "d"."twist_now" as
with newest as (
    select max(view_ts) as newest_view_ts, cast(count(*) as bigint) as views
    from "d"."fct_twist"
    where view_ts > (select max(view_ts) - interval '60' minute from "d"."fct_twist")
      and not exists (select 1 from "d"."closed_days" where closed_days.a_date = view_date)
),
aged as (
    select
        newest.*,
        (cast(current_timestamp(6) as timestamp(6)) - newest_view_ts) day(4) to second(6) as age
    from newest
)
select
    newest_view_ts,
    views,
    cast(extract(day from age) as bigint) * 86400 + extract(hour from age) * 3600
        + extract(minute from age) * 60 + extract(second from age) as lag_seconds
from aged

-- [table] objects are listed through READ_NOS
select
    cast(listed.location as varchar(1024) character set unicode) as object_key,
    cast(listed.objectlength as bigint) as size_bytes
from read_nos (
    using
    location ('/s3/bucket.s3.amazonaws.com/topics/clickstream/')
    authorization ("d"."s3_access")
    returntype ('NOSREAD_KEYS')
) as listed
left join "audit"."landed_objects" as seen
    on seen.object_key = cast(listed.location as varchar(1024) character set unicode)
where seen.object_key is null

-- [merge] the adapter's MERGE of a staged table
merge into "d"."fct_twist" as DBT_INTERNAL_DEST
    using "d"."fct_twist__dbt_tmp" as DBT_INTERNAL_SOURCE
    on (DBT_INTERNAL_DEST.view_date >= date '2026-01-01')
    and (DBT_INTERNAL_SOURCE.view_date = DBT_INTERNAL_DEST.view_date)
    and (DBT_INTERNAL_SOURCE.view_id = DBT_INTERNAL_DEST.view_id)
when matched then update set
    "in_ppm"=DBT_INTERNAL_SOURCE."in_ppm", "load_id"=DBT_INTERNAL_SOURCE."load_id"
when not matched then insert
    ("view_date", "view_id", "in_ppm", "load_id")
values
    (DBT_INTERNAL_SOURCE."view_date", DBT_INTERNAL_SOURCE."view_id",
     DBT_INTERNAL_SOURCE."in_ppm", DBT_INTERNAL_SOURCE."load_id")

-- [merge] a MERGE whose source is a query with CTEs
merge into d.size_shares as target
using (
    with touched as (select style_id from d.changed_styles group by style_id),
    members as (
        select skus.style_id, skus.sku_id, cast(skus.size_weight as bigint) as size_weight
        from d.skus inner join touched on touched.style_id = skus.style_id
        where skus.is_active = 1
    )
    select style_id, sku_id, sum(cast(size_weight as bigint)) over (
        partition by style_id order by sku_id nulls first rows unbounded preceding
    ) as up_to
    from members
) as fresh
on fresh.style_id = target.style_id and fresh.sku_id = target.sku_id
when not matched then insert (style_id, sku_id, up_to)
    values (fresh.style_id, fresh.sku_id, fresh.up_to)
when matched then update set up_to = fresh.up_to;

-- [table] a table is created with an index and days as partitions
create multiset table "d"."fct_twist", no fallback as (
    with page_views as (select * from "d"."views")
    select view_date, view_id from page_views where channel <> 'with data'
) with no data and statistics
primary index (view_date, view_id)
partition by range_n(view_date between date '2020-01-01' and date '2035-12-31'
    each interval '1' day, no range or unknown);

-- [table] a contract's table names its columns
create multiset table "d"."twist_daily" (
    view_date date not null,
    "brand" varchar(256) character set unicode not null,
    views bigint,
    in_stock_views decimal(18, 6),
    loaded_at timestamp(6)
) unique primary index ("view_date", "brand")

-- [any] rows are inserted from a query
insert into "d"."twist_daily" ("view_date", "views")
select "view_date", "views"
from (select view_date, cast(count(*) as bigint) as views from f group by 1) as model_subq
