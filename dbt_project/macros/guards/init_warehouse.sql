{#- dbt run-operation init_warehouse: the tables that must exist before the first load, created from
    the columns in their YAML. Safe to run again. Not an on-run-start hook: dbt has read its list of
    tables by then, and would try to create them a second time. DuckDB creates all of them or none;
    on Teradata, where each DDL is a transaction, a rerun creates what is missing. -#}
{% macro init_warehouse() %}
  {%- if target.type == 'duckdb' -%}{%- do run_query('begin') -%}{%- endif -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.schema in ('staging', 'audit')
        and node.config.materialized == 'incremental' -%}
    {{ create_from_columns(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias), node) }}
  {%- endfor -%}
  {%- for node in graph.sources.values() if node.source_name == 'bookkeeping' -%}
    {{ create_from_columns(api.Relation.create(database=node.database, schema=node.schema, identifier=node.identifier), node) }}
  {%- endfor -%}
  {{ remember_settings() }}
  {%- if target.type == 'duckdb' -%}{%- do run_query('commit') -%}{%- endif -%}
{% endmacro %}

{#- DuckDB: the schema too. Teradata: a DBA creates databases (docs/teradata.md), and CREATE TABLE has no
    IF NOT EXISTS, so the existing tables are queried first. -#}
{% macro create_from_columns(relation, node) -%}
  {{ return(adapter.dispatch('create_from_columns', 'twist')(relation, node)) }}
{%- endmacro %}

{% macro default__create_from_columns(relation, node) %}{{ unsupported_engine('create_from_columns') }}{% endmacro %}

{% macro duckdb__create_from_columns(relation, node) %}
  {%- do run_query("create schema if not exists " ~ relation.without_identifier()) -%}
  {%- set columns = [] -%}
  {%- for column in node.columns.values() -%}
    {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
  {%- endfor -%}
  {%- do run_query("create table if not exists " ~ relation ~ " (" ~ columns | join(', ') ~ ")") -%}
  {%- if node.config.get('partitioned_by') -%}
    {%- do run_query(duckdb__alter_table_set_partitioned_by(relation, node.config.partitioned_by)) -%}
  {%- endif -%}
{% endmacro %}

{% macro teradata__create_from_columns(relation, node) %}
  {%- set existing = run_query("select tablename from dbc.tablesv where databasename = '" ~ relation.schema
      ~ "' and tablename = '" ~ relation.identifier ~ "'") -%}
  {%- if not existing.rows -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() -%}
      {%- do columns.append(column.name ~ ' ' ~ column_type(column.data_type)) -%}
    {%- endfor -%}
    {%- set index = node.config.get('index') or primary_index([(node.columns.values() | first).name]) -%}
    {%- do run_query("create multiset table " ~ relation ~ " (" ~ columns | join(', ') ~ ") " ~ index) -%}
  {%- endif -%}
{% endmacro %}

{#- The settings that change the results, and the layout of its tables, are stored in the warehouse. -#}
{% macro remember_settings() %}
  {%- for name in var('stored_settings') + ['layout'] -%}
    {%- do run_query("insert into " ~ source('bookkeeping', 'settings') ~ " (setting_name, setting_value) select cast('" ~ name ~ "' as " ~ text_type(64)
        ~ ") as setting_name, cast('" ~ setting(name) ~ "' as " ~ text_type(1024) ~ ") as setting_value from (select count(*) as copies from "
        ~ source('bookkeeping', 'settings') ~ " where setting_name = '" ~ name ~ "') as settings where copies = 0") -%}
  {%- endfor -%}
{% endmacro %}
