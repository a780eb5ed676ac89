{#- views_to_judge(): for fct_twist: the human product views to evaluate. A first build: all. Else
    the views new since the last run, and those of a product whose stock changed, from the
    earliest changed instant on. The branches are disjoint: a view must not occur twice.
    Returns {cte, from_date, rows}. -#}
{% macro views_to_judge() -%}
  {%- set events = ref('stg_clickstream__events') -%}
  {%- set views = "event_type = 'product_view' and is_human = 1" -%}
  {%- if not is_incremental() -%}
    {{ return({'name': 'views', 'cte': '', 'from_date': none, 'rows': 'select * from ' ~ events ~ ' where ' ~ views}) }}
  {%- endif -%}
  {%- set last = last_load() -%}
  {%- set styles = touched_keys(['stock_date', 'style_id'], [
      "select stock_date, style_id, min(valid_from) as touched_from from (" ~ changed(ref('int_stock__style_states'))
      ~ ") as changed_style_states group by stock_date, style_id"], 'touched_styles') -%}
  {%- set skus = touched_keys(['stock_date', 'sku_id'], [
      "select stock_date, sku_id, min(valid_from) as touched_from from (" ~ changed(ref('int_stock__sku_states'))
      ~ ") as changed_sku_states group by stock_date, sku_id"], 'touched_skus') -%}
  {%- set arrived = touched_keys(['event_date'], [
      "select event_date from (" ~ changed(events) ~ ") as arrived_events where " ~ views], 'arrived') -%}
  {%- set rows -%}
    select * from {{ events }}
    where event_date >= {{ arrived.from_date }} and load_id > {{ last }} and {{ views }}
    union all
    select of_styles.* from ({{ 'select * from ' ~ events ~ ' where ' ~ views ~ ' and load_id <= ' ~ last
        ~ ' and sku_id is null and event_date >= ' ~ styles.from_date }}) as of_styles
    inner join touched_styles
        on of_styles.event_date = touched_styles.stock_date and of_styles.style_id = touched_styles.style_id
            and of_styles.event_ts >= touched_styles.touched_from
    union all
    select of_skus.* from ({{ 'select * from ' ~ events ~ ' where ' ~ views ~ ' and load_id <= ' ~ last
        ~ ' and event_date >= ' ~ skus.from_date }}) as of_skus
    inner join touched_skus
        on of_skus.event_date = touched_skus.stock_date and of_skus.sku_id = touched_skus.sku_id
            and of_skus.event_ts >= touched_skus.touched_from
  {%- endset -%}
  {{ return({'cte': styles.cte ~ skus.cte, 'rows': rows,
      'from_date': [arrived.from_date, styles.from_date, skus.from_date] | sort | first}) }}
{%- endmacro %}

{#- sku_states_of(views), style_states_of(views): the stock states of the products viewed. For SKUs
    the last one before the first view to evaluate, and all later ones: each stock event makes one,
    and sorting the whole day's was most of fct_twist's work. -#}
{% macro sku_states_of(views) -%}
  {%- set states = ref('int_stock__sku_states') -%}
  {%- if not views.from_date %}{{ return('select * from ' ~ states) }}{% endif -%}
    select states.*
    from (select * from {{ states }} where stock_date >= {{ views.from_date }}) as states
    inner join (
        select firsts.event_date, firsts.sku_id, max(earlier.valid_from) as since
        from (
            select event_date, sku_id, min(event_ts) as first_view from views
            where sku_id is not null
            group by event_date, sku_id
        ) as firsts
        left join (select * from {{ states }} where stock_date >= {{ views.from_date }}) as earlier
            on firsts.event_date = earlier.stock_date and firsts.sku_id = earlier.sku_id
                and firsts.first_view >= earlier.valid_from
        group by firsts.event_date, firsts.sku_id
    ) as viewed
        on states.stock_date = viewed.event_date and states.sku_id = viewed.sku_id
            and (viewed.since is null or states.valid_from >= viewed.since)
{%- endmacro %}

{% macro style_states_of(views) -%}
  select * from {{ ref('int_stock__style_states') }}
  {%- if views.from_date %}
    where stock_date >= {{ views.from_date }}
      and (stock_date, style_id) in (select event_date, style_id from views)
  {%- endif -%}
{%- endmacro %}
