{#- SQL views are replaced in one statement, so a reader always finds them. dbt's own way (rename, create,
    drop) leaves a gap, on Teradata it takes away the rights that were granted on the view, and DuckLake
    has no `drop … cascade` for SQL views. -#}
{% materialization view, adapter='duckdb' %}
  {{ return(replace_view()) }}
{% endmaterialization %}

{% materialization view, adapter='teradata' %}
  {%- do set_query_band() -%}
  {{ return(replace_view()) }}
{% endmaterialization %}

{% macro replace_view() %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement('main') -%}
    {%- if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
    {% if target.type == 'duckdb' %}create or {% endif %}replace view {{ target_relation }} as {{ sql }}
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target_relation]}) }}
{% endmacro %}

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
