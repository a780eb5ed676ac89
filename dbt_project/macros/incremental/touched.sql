{#- The incremental machinery. A model is a query over its full inputs; these macros narrow the
    inputs to what a run can change, and render the full ones on a first build or full refresh.

    changed(relation)
        the rows of `relation` that are new or have changed since this model's last run
    touched_keys(columns, queries, name)
        the keys to recompute: the union of `queries`, each a select of `columns`, of which the
        first is a date. Returns {cte: '<name> as (…),' or '', from_date: a date literal or none, …}.
        The earliest touched day bounds every read, so the cost follows the change, not history.
    rows_of(touched, relation, columns)
        the rows of `relation` under a touched key; `columns` name the key there
    published(touched)
        the rows that the running model has published under the touched keys
    fallen_rows(touched, rebuilt, key, zeros)
        `union all` of published rows that the rebuilt ones no longer have: nothing is ever deleted,
        their measures are set to zero -#}
{% macro changed(relation) -%}
  select * from {{ relation }}
  {%- if is_incremental() %} where load_id > {{ last_load() }}{% endif %}
{%- endmacro %}

{% macro touched_keys(columns, queries, name='touched') -%}
  {%- if not is_incremental() -%}
    {{ return({'name': name, 'columns': columns, 'queries': queries, 'cte': '', 'from_date': none}) }}
  {%- endif -%}
  {%- set query = queries | join('\n    union\n    ') -%}
  {%- set from_date = "date '9999-12-31'" -%}
  {%- if execute -%}
    {%- set query = asked_once(query, name) -%}
    {%- set found = run_query("select min(" ~ columns[0] ~ ") as from_date from (" ~ query ~ ") as touched").rows[0][0] -%}
    {%- if found -%}
      {%- set from_date = "date '" ~ (found | string)[:10] ~ "'" -%}
    {%- else -%}
      {#- Known to be empty: the engine can skip what it would join to it. -#}
      {%- set query = 'select * from (' ~ query ~ ') as no_' ~ name ~ ' where 1 = 0' -%}
    {%- endif -%}
  {%- endif -%}
  {{ return({'name': name, 'columns': columns, 'queries': queries, 'cte': name ~ ' as (\n    ' ~ query ~ '\n),\n', 'from_date': from_date}) }}
{%- endmacro %}

{#- asked_once(query, name): the query, or one on its stored result. DuckDB stores the result, as
    it plans joins by row counts: its estimate here is wrong by a factor of a thousand, and it would
    hash the day instead of the keys. Teradata collects statistics. -#}
{% macro asked_once(query, name) -%}
  {{ return(adapter.dispatch('asked_once', 'twist')(query, name)) }}
{%- endmacro %}

{% macro default__asked_once(query, name) %}{{ unsupported_engine('asked_once') }}{% endmacro %}

{% macro duckdb__asked_once(query, name) -%}
  {%- set kept = 'temp.main.' ~ name ~ '_of_' ~ model.name -%}
  {%- do run_query('create or replace temporary table ' ~ kept ~ ' as ' ~ query) -%}
  {{ return('select * from ' ~ kept) }}
{%- endmacro %}

{% macro teradata__asked_once(query, name) -%}{{ return(query) }}{%- endmacro %}

{% macro rows_of(touched, relation, columns=none) -%}
  {%- set columns = columns or touched.columns -%}
  select * from {{ relation }}
  {%- if touched.from_date %}
    where {{ columns[0] }} >= {{ touched.from_date }}
      and ({{ columns | join(', ') }}) in (select {{ touched.columns | join(', ') }} from {{ touched.name }})
  {%- endif -%}
{%- endmacro %}

{% macro published(touched) -%}
  {{ rows_of(touched, this) }}
{%- endmacro %}

{% macro fallen_rows(touched, rebuilt, key, zeros) -%}
  {%- if touched.from_date %}
union all
select {% for column in key %}published.{{ column }}, {% endfor %}{{ zeros.values() | join(', ') }}, {{ load_id() }} as load_id
from ({{ published(touched) }}) as published
left join {{ rebuilt }}
    on {% for column in key %}{{ ' and ' if not loop.first }}published.{{ column }} = {{ rebuilt }}.{{ column }}{% endfor %}
where {{ rebuilt }}.{{ key[0] }} is null
  {%- endif %}
{%- endmacro %}
