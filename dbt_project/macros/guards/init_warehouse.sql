{#- dbt run-operation init_warehouse: the tables that must exist before the first load, made from
    the columns in their YAML. Safe to run again. Not an on-run-start hook: dbt has read its list of
    tables by then, and would try to create them a second time. -#}
{% macro init_warehouse() %}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.schema in ('staging', 'audit')
        and node.config.materialized == 'incremental' -%}
    {{ create_from_columns(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias), node) }}
  {%- endfor -%}
  {%- for node in graph.sources.values() if node.source_name == 'warehouse' and node.meta.get('made_by_init') -%}
    {{ create_from_columns(api.Relation.create(database=node.database, schema=node.schema, identifier=node.identifier), node) }}
  {%- endfor -%}
  {{ remember_settings() }}
{% endmacro %}

{% macro create_from_columns(relation, node) %}
  {%- do run_query("create schema if not exists " ~ relation.without_identifier()) -%}
  {%- set columns = [] -%}
  {%- for column in node.columns.values() -%}
    {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
  {%- endfor -%}
  {%- do run_query("create table if not exists " ~ relation ~ " (" ~ columns | join(', ') ~ ")") -%}
{% endmacro %}

{#- The settings that decide what the numbers mean stay with the warehouse. -#}
{% macro remember_settings() %}
  {%- for name in ['late_days', 'bot_patterns', 'min_sellable_qty'] -%}
    {%- do run_query("insert into " ~ source('warehouse', 'settings') ~ " select '" ~ name ~ "', '" ~ setting(name)
        ~ "' where not exists (select 1 from " ~ source('warehouse', 'settings') ~ " where setting_name = '" ~ name ~ "')") -%}
  {%- endfor -%}
{% endmacro %}
