-- The marts of one day, by hand: what an engineer who knows DuckDB would write for this day alone.
-- It trusts what landed: no schema is checked, nothing is set aside or audited, no second day and
-- no second run are thought of. by_hand.py fills in the folders.
set preserve_insertion_order = false;
-- ASOF must not become a nested loop where DuckDB guesses few rows.
set asof_loop_join_threshold = 0;

-- Views by people. The few ids that came more than once are found first: to group all the wide rows
-- would take three times the memory.
create temp table landed_views as
select event_id, cast(event_ts as timestamp) as view_ts, style_id, sku_id, channel,
    coalesce(fulfilment, 'ship') as fulfilment, store_id, session_id, visitor_id
from read_json('$landing/topics/clickstream/*/*/*.json.gz',
    format = 'newline_delimited', hive_partitioning = false,
    columns = {event_id: 'VARCHAR', event_type: 'VARCHAR', event_ts: 'VARCHAR', channel: 'VARCHAR',
        style_id: 'VARCHAR', sku_id: 'VARCHAR', fulfilment: 'VARCHAR', store_id: 'VARCHAR',
        session_id: 'VARCHAR', visitor_id: 'VARCHAR', user_agent: 'VARCHAR'})
where event_type = 'product_view'
    and not regexp_matches(coalesce(user_agent, ''), '(?i)bot|crawl|spider|headless');

create temp table repeated as
select event_id from landed_views group by event_id having count(*) > 1;

create temp view views as
select * from landed_views anti join repeated using (event_id)
union all
select distinct on (event_id) landed_views.* from landed_views semi join repeated using (event_id);

-- Stock: each event once (by id), levels to changes, changes to the network's quantity.
create temp table levels as
select any_value(sku_id) as sku_id, any_value(location_id) as location_id,
    cast(any_value(event_ts) as timestamp) as event_ts, any_value(available_qty) as available_qty,
    min(struct_pack(p := _partition, o := _offset)) as position
from read_json('$landing/topics/sku_availability/*/*/*.json.gz',
    format = 'newline_delimited', hive_partitioning = false,
    columns = {event_id: 'VARCHAR', sku_id: 'VARCHAR', location_id: 'VARCHAR', available_qty: 'BIGINT',
        event_ts: 'VARCHAR', _partition: 'BIGINT', _offset: 'BIGINT'})
group by event_id;

create temp table sku_states as
with changes as (
    select sku_id, event_ts,
        available_qty - coalesce(lag(available_qty) over (
            partition by sku_id, location_id order by event_ts, position), 0) as qty_change
    from levels
),
instants as (
    select sku_id, event_ts, sum(qty_change) as qty_change from changes group by sku_id, event_ts
)
select sku_id, event_ts as valid_from,
    cast(sum(qty_change) over (partition by sku_id order by event_ts) as bigint) as network_qty
from instants;

-- The catalog as it held on the day, and the size curves.
create temp table skus as
select sku_id, style_id, brand, department, category, color, size, price, currency,
    cast(size_share as decimal(7, 6)) as size_share, cast(is_active as smallint) as is_active,
    cast(event_ts as timestamp) as event_ts,
    greatest(cast(cast(event_ts as timestamp) as date),
        cast(make_timestamp_ms(_timestamp) as date) - 3) as valid_from
from read_json('$landing/topics/product_catalog/*/*/*.json.gz',
    format = 'newline_delimited', hive_partitioning = false,
    columns = {sku_id: 'VARCHAR', style_id: 'VARCHAR', brand: 'VARCHAR', department: 'VARCHAR',
        category: 'VARCHAR', color: 'VARCHAR', size: 'VARCHAR', price: 'DOUBLE', currency: 'VARCHAR',
        size_share: 'VARCHAR', is_active: 'BOOLEAN', event_ts: 'VARCHAR', _partition: 'BIGINT',
        _offset: 'BIGINT', _timestamp: 'BIGINT'})
qualify row_number() over (partition by sku_id order by event_ts desc, _partition desc, _offset desc) = 1;

create temp table size_shares as
with weighted as (
    select style_id, sku_id,
        case when min(coalesce(size_share, 0)) over (partition by style_id) > 0
            then cast(size_share * 1000000 as bigint) else 1 end as weight
    from skus where is_active = 1
),
cumulated as (
    select style_id, sku_id,
        1000000 * cast(sum(weight) over (partition by style_id order by sku_id) as bigint)
            // cast(sum(weight) over (partition by style_id) as bigint) as millionths
    from weighted
)
select style_id, sku_id,
    cast((millionths - coalesce(lag(millionths) over (partition by style_id order by sku_id), 0))
        * 0.000001 as decimal(7, 6)) as size_share
from cumulated;

-- While each SKU of a style was in or out of stock, and what that makes of the style.
create temp table intervals as
with flips as (
    select sku_id, valid_from, network_qty >= 1 as in_stock from sku_states
    qualify in_stock is distinct from lag(in_stock) over (partition by sku_id order by valid_from)
)
select style_id, sku_id, size_share, in_stock, valid_from,
    lead(valid_from, 1, timestamp '9999-12-31') over (partition by sku_id order by valid_from) as valid_to
from flips inner join size_shares using (sku_id);

create temp table style_states as
with instants as (select distinct style_id, valid_from from intervals)
select instants.style_id, instants.valid_from,
    cast(coalesce(sum(size_share) filter (in_stock), 0) as decimal(7, 6)) as in_stock_share,
    cast(sum(size_share) as decimal(7, 6)) as known_share
from instants
inner join intervals on instants.style_id = intervals.style_id
    and instants.valid_from >= intervals.valid_from and instants.valid_from < intervals.valid_to
group by instants.style_id, instants.valid_from;

-- Each view meets the last state at or before it.
create temp table judged as
select cast(views.view_ts as date) as view_date, date_trunc('hour', views.view_ts) as view_hour, views.*,
    cast(case when sku_states.network_qty >= 1 then 1 else 0 end as decimal(7, 6)) as in_stock_share,
    cast(case when sku_states.network_qty < 1 then 1 else 0 end as decimal(7, 6)) as out_of_stock_share,
    sku_states.network_qty, sku_states.valid_from as state_from
from (select * from views where sku_id is not null) as views
asof left join sku_states
    on views.sku_id = sku_states.sku_id and views.view_ts >= sku_states.valid_from
union all
select cast(views.view_ts as date), date_trunc('hour', views.view_ts), views.*,
    cast(coalesce(style_states.in_stock_share, 0) as decimal(7, 6)),
    cast(coalesce(style_states.known_share - style_states.in_stock_share, 0) as decimal(7, 6)),
    null, style_states.valid_from
from (select * from views where sku_id is null) as views
asof left join style_states
    on views.style_id = style_states.style_id and views.view_ts >= style_states.valid_from;

copy (
    select view_date, event_id as view_id, view_ts, view_hour, style_id, sku_id, channel, fulfilment,
        store_id, session_id, visitor_id, in_stock_share, out_of_stock_share,
        cast(1 - in_stock_share - out_of_stock_share as decimal(7, 6)) as unknown_share, network_qty
    from judged
) to '$out/fct_twist.parquet';

create temp table hourly as
select view_hour, style_id, coalesce(sku_id, '') as sku_id, channel, count(*) as views,
    cast(sum(in_stock_share) as decimal(18, 6)) as in_stock_views,
    cast(sum(out_of_stock_share) as decimal(18, 6)) as out_of_stock_views,
    cast(count(*) - sum(in_stock_share) - sum(out_of_stock_share) as decimal(18, 6)) as unknown_views
from judged
group by all;

copy hourly to '$out/fct_twist_hourly.parquet';

-- No SKU of a style flips between a view's state_from and the view: count by state, then join.
copy (
    with by_state as (
        select view_hour, style_id, state_from, count(*) as views
        from judged where sku_id is null and state_from is not null
        group by all
    ),
    lost as (
        select view_hour, style_id, sku_id, out_of_stock_views as lost_views from hourly where sku_id <> ''
        union all
        select by_state.view_hour, by_state.style_id, intervals.sku_id, by_state.views * intervals.size_share
        from by_state
        inner join intervals on by_state.style_id = intervals.style_id
            and by_state.state_from >= intervals.valid_from and by_state.state_from < intervals.valid_to
        where not intervals.in_stock
    )
    select view_hour, style_id, sku_id, cast(sum(lost_views) as decimal(18, 6)) as lost_views
    from lost group by all having sum(lost_views) > 0
) to '$out/fct_lost_demand_hourly.parquet';

copy (
    with first_skus as (
        select style_id, min(sku_id) as first_sku from skus group by style_id
    ),
    totals as (
        select cast(view_hour as date) as business_date, coalesce(described.brand, '') as brand,
            coalesce(described.department, '') as department, coalesce(described.category, '') as category,
            channel, sum(views) as views, sum(in_stock_views) as in_stock_views,
            sum(out_of_stock_views) as out_of_stock_views, sum(unknown_views) as unknown_views
        from hourly
        left join skus as own on hourly.sku_id = own.sku_id
        left join first_skus on hourly.style_id = first_skus.style_id
        left join skus as described on described.sku_id = coalesce(own.sku_id, first_skus.first_sku)
        group by all
    )
    select business_date, brand, department, category, channel, cast(views as bigint) as views,
        cast(in_stock_views as decimal(18, 6)) as in_stock_views,
        cast(out_of_stock_views as decimal(18, 6)) as out_of_stock_views,
        cast(unknown_views as decimal(18, 6)) as unknown_views,
        cast(cast(floor(cast(in_stock_views as double)
            / cast(nullif(in_stock_views + out_of_stock_views, 0) as double) * 1000000 + 0.5)
            as decimal(18, 0)) * 0.000001 as decimal(7, 6)) as twist_rate
    from totals
) to '$out/twist_daily.parquet';

copy (
    select sku_id, style_id, brand, department, category, color, size, price, currency, size_share,
        is_active, event_ts, valid_from
    from skus
) to '$out/dim_sku.parquet';

copy (select distinct location_id from levels) to '$out/dim_location.parquet';
