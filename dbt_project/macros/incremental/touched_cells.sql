{#- touched_cells(): for fct_lost_demand_hourly: (view_date, view_hour, style_id) with changed views,
    and those with views in which a SKU of the style flipped or the size curve changed.
    Returns touched_keys' result with `of_cells`: a WHERE for tables by view_hour and style_id, and
    `fallen`: published rows that are set to zero. -#}
{% macro touched_cells() -%}
  {%- set styles = touched_styles('touched_styles') -%}
  {%- set hours = ref('fct_twist_hourly') -%}
  {%- set queries = ["select view_date, view_hour, style_id from (" ~ changed(ref('fct_twist')) ~ ") as changed_views"] -%}
  {%- if styles.from_date -%}
    {%- do queries.append("select distinct cast(hours.view_hour as date) as view_date, hours.view_hour, hours.style_id from (select * from "
        ~ hours ~ " where view_hour >= cast(" ~ styles.from_date ~ " as timestamp(6))) as hours inner join ("
        ~ styles.queries | join(' union all ') ~ ") as touched_styles on cast(hours.view_hour as date) = touched_styles.stock_date"
        ~ " and hours.style_id = touched_styles.style_id and hours.view_hour >= " ~ hour_start('touched_styles.touched_from')) -%}
  {%- endif -%}
  {%- set touched = touched_keys(['view_date', 'view_hour', 'style_id'], queries) -%}
  {%- set of_cells, fallen = '', '' -%}
  {%- if touched.from_date -%}
    {%- set of_cells = "where view_hour >= cast(" ~ touched.from_date ~ " as timestamp(6))"
        ~ " and (view_hour, style_id) in (select view_hour, style_id from touched)" -%}
    {%- set fallen -%}
union all
select published.view_hour, published.style_id, published.sku_id, cast(0 as decimal(18, 6)) as lost_views, {{ load_id() }} as load_id
from (select * from {{ this }} {{ of_cells }}) as published
left join lost_by_sku
    on published.view_hour = lost_by_sku.view_hour and published.style_id = lost_by_sku.style_id
        and published.sku_id = lost_by_sku.sku_id
where lost_by_sku.view_hour is null
    {%- endset -%}
  {%- endif -%}
  {%- do touched.update({'of_cells': of_cells, 'fallen': fallen}) -%}
  {{ return(touched) }}
{%- endmacro %}

{#- shares_of(touched): the size curves of the styles in the touched cells. -#}
{% macro shares_of(touched) -%}
  select * from {{ ref('int_catalog__size_shares') }}
  {%- if touched.from_date %}
    where stock_date >= {{ touched.from_date }}
      and (stock_date, style_id) in (select view_date, style_id from touched)
  {%- endif -%}
{%- endmacro %}
