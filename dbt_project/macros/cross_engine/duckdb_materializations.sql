{#- SQL views on DuckDB are replaced in one statement, so a reader always finds them. dbt's own way
    (rename, create, drop … cascade) leaves a gap, and DuckLake has no cascade for SQL views. -#}
{% materialization view, adapter='duckdb' %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement('main') -%}
    {%- if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
    create or replace view {{ target_relation }} as ({{ sql }})
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {% do adapter.commit() %}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- A table on DuckDB holds a batch, in memory: the last batch's rows are freed before the next ones
    are created, not kept beside them to be swapped. -#}
{% materialization table, adapter='duckdb' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {%- do run_query('drop table if exists ' ~ target_relation) -%}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') -%}{{ create_table_as(False, target_relation, sql) }}{%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do adapter.commit() %}
  {%- if model.fqn[1] == 'changed' and not flags.EMPTY %}{% do run_query(record_watermark()) %}{% endif %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
