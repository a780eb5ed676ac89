{#- What may be in the table is written by a MERGE by the model's unique_key, on both engines: unchanged
    rows are not rewritten, so their load_id stays and downstream models skip them. Nothing is deleted.
    The first key column, a date or an hour, is bounded by literals, so that the cost does not grow
    with history; so are the columns of meta.bounds, which never change in a published row.
    delete+insert is two requests on Teradata: a kill between them loses rows.
    merge_exclude_columns (dbt's own setting) names columns that never change in a published row: they
    are neither compared nor written.
    Changed rows are found before the MERGE on Teradata, whose WHEN MATCHED takes no condition, and
    within it on DuckDB, which then reads the published rows once. -#}
{% macro teradata__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) %}
  {%- do add_gone_rows(source, target) -%}
  {%- set names = dest_columns | map(attribute='name') | map('lower') | list -%}
  {%- set bounds = bounds_within(source, unique_key[0]) -%}
  {%- if not bounds -%}{{ return("select 1 as nothing_to_merge") }}{%- endif -%}
  {%- set differences = differs('published', 'rebuilt', unique_key, names) -%}
  {%- set changed_rows %}
    select {% for name in names %}rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source }} as rebuilt
    left join (select * from {{ target }} where {{ bounds | join(' and ') }}) as published
        on {% for key in unique_key %}{{ ' and ' if not loop.first }}published.{{ key }} = rebuilt.{{ key }}{% endfor %}
    where published.{{ unique_key[0] }} is null{{ ' or ' ~ differences if differences }}
  {%- endset -%}
  {{ return(merge_rows(target, changed_rows, unique_key, names, bounds, '')) }}
{% endmacro %}

{% macro duckdb_merge_sql(target, source, unique_key, names) %}
  {%- set bounds = bounds_within(source, unique_key[0]) -%}
  {%- if not bounds -%}{{ return("select 1 as nothing_to_merge") }}{%- endif -%}
  {%- set rows %}select {{ names | join(', ') }} from {{ source }}{% endset -%}
  {%- set condition %} and ({{ differs('published', 'rebuilt', unique_key, names) }}){% endset -%}
  {{ return(merge_rows(target, rows, unique_key, names, bounds, condition)) }}
{% endmacro %}

{% macro merge_rows(target, rows, unique_key, names, bounds, condition) %}
  {%- set measures = names | reject('in', unique_key + config.get('merge_exclude_columns', [])) | list -%}
merge into {{ target }} as published
using ({{ rows }}) as rebuilt
on published.{{ bounds | join(' and published.') }}
    {%- for key in unique_key %} and published.{{ key }} = rebuilt.{{ key }}{% endfor %}
{%- if measures | reject('equalto', 'load_id') | list or not condition %}
when matched{{ condition }} then update set {% for name in measures %}{{ name }} = rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
{%- endif %}
when not matched then insert ({{ names | join(', ') }})
    values ({% for name in names %}rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %})
{% endmacro %}

{#- Whether a row differs from the published one. A different load_id alone does not count. -#}
{% macro differs(published, rebuilt, unique_key, names) %}
  {%- set differences = [] -%}
  {%- set left_out = unique_key + ['load_id'] + config.get('merge_exclude_columns', []) -%}
  {%- for name in names | reject('in', left_out) -%}
    {%- set one, other = published ~ '.' ~ name, rebuilt ~ '.' ~ name -%}
    {%- do differences.append(is_other(one, other)) -%}
  {%- endfor -%}
  {{ return(differences | join(' or ')) }}
{% endmacro %}

{% macro bounds_within(source, first_key) -%}
  {%- set columns, bounds = [first_key] + config.get('meta', {}).get('bounds', []), [] -%}
  {%- set query %}select {% for column in columns %}min({{ column }}), max({{ column }}){{ ', ' if not loop.last }}{% endfor %} from {{ source }}{% endset -%}
  {%- set found = run_query(query).rows[0] -%}
  {%- for column in columns if found[0] is not none -%}
    {%- set bound %}{{ column }} between {{ literal(found[loop.index0 * 2]) }} and {{ literal(found[loop.index0 * 2 + 1]) }}{% endset -%}
    {%- do bounds.append(bound) -%}
  {%- endfor -%}
  {{ return(bounds) }}
{%- endmacro %}

{#- add_gone_rows(rebuilt, published): adds the published rows of the keys computed again that were not
    rebuilt. Nothing is ever deleted: they get the values of the config `zero_when_gone`, and keep
    merge_exclude_columns. -#}
{% macro add_gone_rows(rebuilt, published) -%}
  {%- set zeros = config.get('zero_when_gone') -%}
  {%- if zeros -%}
    {%- set key, recomputed = config.require('unique_key') | join(', '), config.require('recomputed') -%}
    {%- set kept = (config.require('unique_key') + config.get('merge_exclude_columns', [])) | join(', ') -%}
    {%- set gone %}
insert into {{ rebuilt }} ({{ kept }}, {{ zeros | join(', ') }}, load_id)
select {{ kept }}, {% for name, zero in zeros.items() %}cast({{ 'null' if zero is none else zero }} as {{ column_type(model.columns[name].data_type) }}), {% endfor %}{{ load_id() }}
from {{ published }}
where {{ within(recomputed.by, recomputed['keys']) }} and ({{ key }}) not in (select {{ key }} from {{ rebuilt }})
    {%- endset -%}
    {%- do run_query(gone) -%}
  {%- endif -%}
{%- endmacro %}
