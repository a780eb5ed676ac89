{#- touched_openings(): for int_stock__openings. Openings change after the earliest day, before the
    last open one, that had a late stock change (for the SKUs of such changes), and after the day
    before a day that opened (for every SKU). That day is `from_date`; its opening replaces
    everything before it. Returns {cte, from_date, rows, published}: rows are the
    levels to compute from, published the openings published after from_date. -#}
{% macro touched_openings() -%}
  {%- set changes, days = ref('stg_availability__stock_changes'), ref('int_calendar__open_days') -%}
  {%- set columns = 'sku_id, location_id, event_date, event_ts, tie_partition, tie_offset, tie_arrived_at, available_qty' -%}
  {%- if not is_incremental() -%}
    {{ return({'cte': '', 'from_date': none, 'rows': 'select ' ~ columns ~ ' from ' ~ changes}) }}
  {%- endif -%}
  {%- set last = last_load() -%}
  {%- set late = "select sku_id from " ~ changes ~ " where load_id > " ~ last
      ~ " and event_date < (select max(open_date) from " ~ days ~ ")" -%}
  {%- set from_date, opened = "date '9999-12-31'", false -%}
  {%- if execute -%}
    {%- set bounds = run_query(
        "select late.late_from, opened.opened, earlier.before_opened from"
        ~ " (select min(event_date) as late_from from " ~ changes ~ " where load_id > " ~ last
        ~ " and event_date < (select max(open_date) from " ~ days ~ ")) as late"
        ~ " cross join (select min(open_date) as opened from " ~ days ~ " where load_id > " ~ last ~ ") as opened"
        ~ " cross join (select max(open_date) as before_opened from " ~ days ~ " where open_date <"
        ~ " (select min(open_date) from " ~ days ~ " where load_id > " ~ last ~ ")) as earlier").rows[0] -%}
    {%- set opened = bounds[1] is not none -%}
    {%- set starts = [bounds[0], (bounds[2] or bounds[1])] | reject('none') | sort -%}
    {%- if starts -%}{%- set from_date = "date '" ~ (starts[0] | string)[:10] ~ "'" -%}{%- endif -%}
  {%- endif -%}
  {%- set of_touched = '' if opened else ' and sku_id in (select sku_id from touched)' -%}
  {%- set rows -%}
    select {{ columns }} from {{ changes }}
    where event_date >= {{ from_date }}{{ of_touched }}
    union all
    select sku_id, location_id, stock_date, cast(stock_date as timestamp(6)), cast(-1 as bigint), cast(-1 as bigint), cast(timestamp '1970-01-01 00:00:00' as timestamp(6)), available_qty
    from {{ this }}
    where stock_date = {{ from_date }} and is_listed = 1{{ of_touched }}
  {%- endset -%}
  {%- set published -%}
    select stock_date, sku_id, location_id from {{ this }}
    where stock_date > {{ from_date }} and is_listed = 1{{ of_touched }}
  {%- endset -%}
  {{ return({'cte': 'touched as (\n    ' ~ late ~ '\n),\n', 'from_date': from_date, 'rows': rows, 'published': published}) }}
{%- endmacro %}
