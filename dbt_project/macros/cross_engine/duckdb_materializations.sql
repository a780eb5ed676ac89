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
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- A table on DuckDB holds what one run works on, beside the warehouse: a temporary table, as one
    transaction can write only one database. -#}
{% materialization table, adapter='duckdb' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') -%}create or replace temp table {{ this.identifier }} as ({{ sql }}){%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {%- if model.fqn[1] == 'changed' %}{% do run_query(record_watermark()) %}{% endif %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
