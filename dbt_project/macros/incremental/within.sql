{#- What an incremental run computes again. The models of models/changed say it, as keys; other models
    narrow their inputs to these keys. Where such a table was not made by this run (a first build,
    --full-refresh, compile, show, or a run by hand without models/changed), a model computes
    everything: as right, and slower.

    is_new()                         WHERE: the rows that came or changed since the last whole run
    within(changed, keys, columns)   WHERE: the rows whose `columns` are among the `keys` of the table
                                     `changed`; days and moments are bounded by literals too, so that
                                     files outside are never opened
    not_before(changed, key, column, type)
                                     WHERE: the rows from the lowest key on; `type` is the column's where
                                     the key has another (Teradata compares a moment with a day by days)
    narrows(changed)                 whether the table was made by this run
    rows_of(changed)                 for models/changed that read one another: the table, or no rows where
                                     this run has not made it
    is_published(name, place)        for models/changed: whether the table `name` of the source `place`, which
                                     is made later, holds what earlier runs computed -#}
{% macro is_new() -%}
  {%- set computed = stamps().computed -%}
  {%- if model.config.materialized == 'incremental' and not (computed and is_incremental()) -%}{{ return('1 = 1') }}{%- endif -%}
  {{ return('load_id > ' ~ computed if computed else '1 = 0') }}
{%- endmacro %}

{% macro narrows(changed) -%}
  {%- if not execute -%}{%- do ref(changed) -%}{{ return(false) }}{%- endif -%}{#- the dependency; a unit test has no such table #}
  {{ return((model.config.materialized == 'table' or is_incremental())
      and stamps().computed > 0 and stamps().get(changed) == stamps()['this run']) }}
{%- endmacro %}

{% macro within(changed, keys, columns=none) -%}
  {%- if not narrows(changed) -%}1 = 1
  {%- elif not bounds_of(changed) -%}1 = 0
  {%- else -%}
    {%- set bounds, columns = bounds_of(changed), columns or keys -%}
    {%- for key in keys -%}
      {%- if key in bounds %}{{ columns[loop.index0] }} between {{ bounds[key][0] }} and {{ bounds[key][1] }} and {% endif -%}
    {%- endfor -%}
    ({{ columns | join(', ') }}) in (select {{ keys | join(', ') }} from {{ ref(changed) }})
  {%- endif -%}
{%- endmacro %}

{% macro not_before(changed, key, column, type=none) -%}
  {%- if not narrows(changed) -%}1 = 1
  {%- elif not bounds_of(changed) -%}1 = 0
  {%- else -%}{{ column }} >= {% if type %}cast({{ bounds_of(changed)[key][0] }} as {{ type }}){% else %}{{ bounds_of(changed)[key][0] }}{% endif %}
  {%- endif -%}
{%- endmacro %}

{#- The lowest and the highest value of each day and moment in the table, as literals; {} if it is
    empty. Queried once per run. -#}
{% macro bounds_of(changed) -%}
  {%- if changed in stamps().bounds -%}{{ return(stamps().bounds[changed]) }}{%- endif -%}
  {%- set keys, bounds = [], {} -%}
  {%- for column in columns_of(changed) if column.data_type.startswith(('date', 'timestamp')) -%}
    {%- do keys.append(column.name) -%}
  {%- endfor -%}
  {%- set query %}select count(*){% for key in keys %}, min({{ key }}), max({{ key }}){% endfor %} from {{ ref(changed) }}{% endset -%}
  {%- set found = run_query(query).rows[0] -%}
  {%- if found[0] -%}
    {%- do bounds.update({'rows': found[0]}) -%}
    {%- for key in keys -%}
      {%- do bounds.update({key: (literal(found[loop.index0 * 2 + 1]), literal(found[loop.index0 * 2 + 2]))}) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do stamps().bounds.update({changed: bounds}) -%}
  {{ return(bounds) }}
{%- endmacro %}

{% macro columns_of(changed) -%}
  {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ changed].columns.values()) }}
{%- endmacro %}

{% macro is_published(name, place='earlier_intermediate') -%}
  {%- set table = source(place, name) -%}
  {{ return(execute and stamps().computed > 0 and load_relation(table) is not none) }}
{%- endmacro %}

{% macro rows_of(changed) -%}
  {%- if not execute or narrows(changed) -%}{{ ref(changed) }}
  {%- else -%}
    (
        select {% for column in columns_of(changed) %}cast(null as {{ column_type(column.data_type) }}) as {{ column.name }}{{ ', ' if not loop.last }}{% endfor %}
        from (select 1 as one) as no_row_of_{{ changed }} where 1 = 0
    ) as no_{{ changed }}
  {%- endif -%}
{%- endmacro %}
