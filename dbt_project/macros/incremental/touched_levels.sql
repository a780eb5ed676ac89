{#- For int_stock__sku_states: recompute a SKU-day from its first change since the last run; the
    network quantity before that is kept.

    touched_levels()         (stock_date, sku_id, touched_from): SKUs with such changes, and the first
    moved_levels(touched)    all levels of locations that changed since then, including the previous
                             level, which the difference needs; with summed_from
    network_before(touched)  the network quantity just before -#}
{% macro touched_levels() -%}
  {{ return(touched_keys(['stock_date', 'sku_id'], [
    "select stock_date, sku_id, min(touched_from) as touched_from from ("
      ~ "select event_date as stock_date, sku_id, event_ts as touched_from from ("
      ~ changed(ref('stg_availability__stock_changes')) ~ ") as arrived_changes"
      ~ " union all select stock_date, sku_id, cast(stock_date as timestamp(6)) from ("
      ~ changed(ref('int_stock__openings')) ~ ") as changed_openings"
      ~ ") as changed_levels group by stock_date, sku_id",
  ])) }}
{%- endmacro %}

{% macro moved_levels(touched) -%}
  {%- if not touched.from_date %}
    {{- return('select levels.*, cast(stock_date as timestamp(6)) as summed_from from levels') }}
  {%- endif -%}
    select levels.*, touched.touched_from as summed_from
    from levels
    inner join touched
        on levels.stock_date = touched.stock_date and levels.sku_id = touched.sku_id
    inner join (
        select later.stock_date, later.sku_id, later.location_id
        from levels as later
        inner join touched
            on later.stock_date = touched.stock_date and later.sku_id = touched.sku_id
                and later.event_ts >= touched.touched_from
        group by later.stock_date, later.sku_id, later.location_id
    ) as moved
        on levels.stock_date = moved.stock_date and levels.sku_id = moved.sku_id
            and levels.location_id = moved.location_id
{%- endmacro %}

{% macro network_before(touched) -%}
  {%- if not touched.from_date %}
    {{- return('select stock_date, sku_id, available_qty as network_qty from openings where 1 = 0') }}
  {%- endif -%}
    select earlier.stock_date, earlier.sku_id, earlier.network_qty
    from (select * from {{ this }} where stock_date >= {{ touched.from_date }}) as earlier
    inner join touched
        on earlier.stock_date = touched.stock_date and earlier.sku_id = touched.sku_id
            and earlier.valid_from < touched.touched_from
    qualify row_number() over (
        partition by earlier.stock_date, earlier.sku_id order by earlier.valid_from desc nulls last
    ) = 1
{%- endmacro %}
