-- [table] limit in a model: 3706
select view_date, view_id from fct_twist where view_date = date '2026-01-01' limit 10
-- [query] double colon: 3706
select view_ts::date as view_date from fct_twist
-- [table] a comparison as a column: 3706, there is no BOOLEAN
select sku_id, network_qty >= 1 as is_sellable from sku_states
-- [table] true as a column: 3706
select sku_id, true as is_active from skus
-- [table] a boolean column as a condition: 3706
select sku_id from skus where is_active
-- [table] filter: 3706
select count(*) filter (where sku_id is null) as style_views from fct_twist
-- [table] using: 3706
select views.view_id from views inner join skus using (sku_id)
-- [table] with inside with: 6926
with days as (with hours as (select view_hour from fct) select view_hour from hours) select
  view_hour from days
-- [table] a column named value: 3707
select network_qty as value from sku_states
-- [table] a CTE named map: 3707
with map as (select sku_id from skus) select sku_id from map
-- [table] order by in a CTE: 3706
with ordered as (select sku_id from skus order by sku_id nulls first) select sku_id from ordered
-- [view] order by in a view: 3706
select sku_id from skus order by sku_id nulls first
-- [table] union of constants without a table: 3888
select 1 as step_no union all select 2 as step_no
-- [table] ilike: 3706
select view_id from views where user_agent ilike '%bot%'
-- [table] unequal sign: 3706
select view_id from views where channel != 'app'
-- [table] date_trunc: 5589
select date_trunc('hour', view_ts) as view_hour from fct_twist
-- [table] trunc to the hour: returns a DATE, the hour is lost silently
select cast(trunc(view_ts, 'HH') as timestamp(6)) as view_hour from fct_twist
-- [table] string_agg: 5589
select style_id, string_agg(sku_id, ',') as skus from skus group by style_id
-- [table] a DuckDB function: 5589
select json_extract_string(line, '$.event_id') as event_id from landed
-- [table] arg_max: 5589
select sku_id, arg_max(price, event_ts) as price from catalog_rows group by sku_id
-- [table] if function: 5589
select if(channel = 'app', 1, 0) as is_app from views
-- [table] varchar without length: VARCHAR(1), cut silently
select cast(sku_id as varchar) as sku_id from skus
-- [table] text type: 3706
select cast(sku_id as text) as sku_id from skus
-- [table] LATIN varchar: 6706 for characters it lacks
select cast(brand as varchar(256)) as brand from skus
-- [table] float: 64 bits on Teradata, 32 on DuckDB
select cast(price as float) as price from skus
-- [table] bare decimal: DECIMAL(5, 0), 2616 or cut
select cast(price as decimal) as price from skus
-- [table] group by all: 3706
select sku_id, count(*) as views from fct group by all
-- [table] is distinct from: 3706
select fresh.sku_id from fresh inner join old_rows on old_rows.sku_id = fresh.sku_id where
  fresh.qty is distinct from old_rows.qty
-- [table] values as a table: 3706
select step_no from (values (1), (2)) as steps (step_no)
-- [table] star exclude: 3706
select * exclude (rn) from numbered
-- [table] semi join: 3706
select views.view_id from views semi join skus on skus.sku_id = views.sku_id
-- [table] asof join: 3706
select views.view_id from views asof left join states on states.sku_id = views.sku_id and
  views.view_ts >= states.valid_from
-- [table] the same alias in two CTEs: 3706 once dbt wraps the model
with a_views as (select v.view_id from views as v), b_views as (select v.view_id from a_views as
  v) select view_id from b_views
-- [table] timestamps subtracted: 5407
select valid_to - valid_from as duration from sku_intervals
-- [table] a number added to a timestamp: 5407
select view_ts + 1 as next_ts from fct_twist
-- [table] interval overflow: 7453 after 99 minutes
select (valid_to - valid_from) minute to second as duration from sku_intervals
-- [table] interval in DuckDB's form: 3706
select view_ts + interval 5 minutes as until_ts from fct_twist
-- [table] sum of an integer: 2616
select style_id, sum(views) as views from fct_hourly group by style_id
-- [table] product of integers: 2616, the cast comes too late
select cast(views * share_ppm as bigint) as lost_ppm from step_views
-- [table] integer division: 7 / 2 is 3
select cast(in_ppm / known_ppm as decimal(7, 6)) as in_stock_share from fct_twist
-- [table] a quotient without cast: DECIMAL here, DOUBLE there
select cast(in_ppm as decimal(18, 6)) / cast(known_ppm as decimal(18, 6)) as in_stock_share from fct
-- [table] running sum without frame: the whole partition on Teradata
select sum(cast(qty as bigint)) over (partition by sku_id order by event_ts nulls first) as level
  from changes
-- [table] last_value over a range: 3706
select last_value(qty ignore nulls) over (partition by sku_id order by event_ts nulls first range
  unbounded preceding) as qty from changes
-- [table] a frame for lag: 3706
select lag(qty) over (partition by sku_id order by event_ts nulls first rows unbounded preceding)
  as qty from changes
-- [table] nulls order left to the engine: low on Teradata, last on DuckDB
select sku_id from changes qualify row_number() over (partition by sku_id order by event_ts) = 1
-- [table] a window function in where: 5479
select sku_id from changes where row_number() over (partition by sku_id order by event_ts nulls
  first) = 1
-- [table] an aggregate in where: 3569
select sku_id from changes where count(*) > 1 group by sku_id
-- [table] count of distinct pairs: 3706
select count(distinct sku_id, location_id) as pairs from changes
-- [table] distinct on: 3706
select distinct on (sku_id) sku_id, qty from changes
-- [table] lateral: 3706
select views.view_id from views cross join lateral (select 1 as one from skus) as x
-- [table] unnest: 3706
select unnest(sizes) as size_name from skus
-- [table] list and lambda: 3706
select list_transform([1, 2], x -> x + 1) as doubled from skus
-- [table] trailing comma: 3706
select sku_id, style_id, from skus
-- [table] a missing comma: style_id becomes an alias
select sku_id style_id, brand from skus
-- [table] a missing parenthesis: 3706
select coalesce(sku_id, '' from skus
-- [table] a semicolon too many: 3706
select sku_id from skus; where is_active = 1
-- [table] jinja left over: 3706
select sku_id from {{ ref('skus') }}
-- [table] two columns of one name: 3515
select views.sku_id, skus.sku_id from views inner join skus on skus.sku_id = views.sku_id
-- [table] a column without a name: 3706 in CREATE TABLE AS
select sku_id, max(event_ts) from changes group by sku_id
-- [table] the first branch is too narrow: 'style' becomes 'sty'
select 'sku' as product_level, sku_id as product_id from skus union all select 'style', style_id
  from styles
-- [table] the first branch's literal is a BYTEINT: 2616
select 0 as qty, sku_id from openings union all select available_qty, sku_id from changes
-- [table] a null without type: an INTEGER column
select sku_id, null as style_id from openings union all select sku_id, style_id from skus
-- [table] an ISO timestamp: 6760
select view_id from views where view_ts >= timestamp '2026-01-01T00:00:00Z'
-- [table] a text compared with a date: converted by the session's format
select view_id from fct_twist where view_date >= '2026-01-01'
-- [table] at time zone: zones are converted differently
select view_ts at time zone 'UTC' as view_ts from fct_twist
-- [table] substring with commas: 3706
select substring(sku_id, 1, 3) as prefix from skus
-- [table] a number concatenated: padded with blanks
select style_id || '-' || cast(size_no as integer) as size_key from skus
-- [table] top in a CTE: not supported
with newest as (select top 1 view_ts from fct_twist) select view_ts from newest
-- [table] a name of 130 characters: 3737
select sku_id as
  aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjjkkkkkkkkkkllllllllllmmmmmmmmmm
  from skus
-- [table] no data clause: 3706
create multiset table marts.x as (select sku_id from skus) primary index (sku_id)
-- [table] a set table: drops equal rows silently
create table marts.x as (select sku_id from skus) with data primary index (sku_id)
-- [any] if not exists: 3706
create multiset table if not exists marts.x (sku_id bigint) primary index (sku_id)
-- [view] create or replace: 3706
create or replace view marts.v as select sku_id from skus
-- [any] table and rows in one request: 3722
create multiset table marts.x (sku_id bigint) primary index (sku_id); insert into marts.x select
  sku_id from skus
-- [merge] a condition on matched: 3706
merge into marts.f as t using staging.s as s on t.sku_id = s.sku_id when matched and s.qty > 0
  then update set qty = s.qty
-- [merge] delete in a merge: deletes are not in the design
merge into marts.f as t using staging.s as s on t.sku_id = s.sku_id when matched then delete
-- [merge] the key is updated: 5977
merge into marts.f as t using staging.s as s on t.sku_id = s.sku_id when matched then update set
  sku_id = s.sku_id
-- [merge] no equality with the target: 5758
merge into marts.f as t using staging.s as s on t.sku_id >= s.sku_id when matched then update set
  qty = s.qty
-- [merge] insert without columns: fails when a column is added
merge into marts.f as t using staging.s as s on t.sku_id = s.sku_id when not matched then insert
  values (s.sku_id, s.qty)
-- [any] delete: not atomic with the insert that follows
delete from marts.f where view_date = date '2026-01-01'
-- [table] escapes: a column that does not exist: 5628
select no_such_column from skus
-- [table] escapes: a column that is not grouped: 3504
select sku_id, location_id, count(*) as changes from changes group by sku_id
-- [merge] escapes: the key is not the primary index: 5758
merge into marts.f as t using staging.s as s on t.qty = s.qty when matched then update set price =
  s.price
-- [table] escapes: a text compared with a number: 2620 or converted to FLOAT
select sku_id from skus where sku_id = 5
-- [table] escapes: rows wider than 64 KB: 3577
create multiset table marts.x (a varchar(32000) character set unicode, b varchar(32000) character
  set unicode) primary index (a)
