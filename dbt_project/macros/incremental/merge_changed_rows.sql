{#- Every write is one MERGE by the model's unique_key, on both engines: rows that are as published
    are left alone (so their stamp stays, and nothing downstream moves), nothing is ever deleted,
    and the first key column, a date or an hour, is bounded by literals so that the cost does not
    grow with history. delete+insert is two requests on Teradata: a kill between them loses rows. -#}
{% macro teradata__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) %}
  {{ return(merge_changed_rows(target, source, unique_key, dest_columns | map(attribute='name') | map('lower') | list)) }}
{% endmacro %}

{% macro merge_changed_rows(target, source, unique_key, names) %}
  {%- set measures = names | reject('in', unique_key) | list -%}
  {%- set compared = measures | reject('equalto', 'load_id') | list -%}
  {%- set first_key = unique_key[0] -%}
  {%- set bounds = run_query("select min(" ~ first_key ~ ") as low, max(" ~ first_key ~ ") as high from " ~ source).rows[0] -%}
  {%- if bounds[0] is none -%}{{ return("select 1 as nothing_to_merge") }}{%- endif -%}
  {%- set within = "between " ~ literal(bounds[0]) ~ " and " ~ literal(bounds[1]) %}
merge into {{ target }} as published
using (
    select {% for name in names %}rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source }} as rebuilt
    left join (select * from {{ target }} where {{ first_key }} {{ within }}) as standing
        on {% for key in unique_key %}{{ ' and ' if not loop.first }}standing.{{ key }} = rebuilt.{{ key }}{% endfor %}
    where standing.{{ first_key }} is null
    {%- for name in compared %}
        or standing.{{ name }} <> rebuilt.{{ name }}
        or (standing.{{ name }} is null and rebuilt.{{ name }} is not null)
        or (standing.{{ name }} is not null and rebuilt.{{ name }} is null)
    {%- endfor %}
) as rebuilt
on published.{{ first_key }} {{ within }}
    {%- for key in unique_key %} and published.{{ key }} = rebuilt.{{ key }}{% endfor %}
{%- if measures %}
when matched then update set {% for name in measures %}{{ name }} = rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
{%- endif %}
when not matched then insert ({{ names | join(', ') }})
    values ({% for name in names %}rebuilt.{{ name }}{{ ', ' if not loop.last }}{% endfor %})
{% endmacro %}
