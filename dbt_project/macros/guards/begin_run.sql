{#- on-run-start. One writer at a time: a dbt run that writes takes the lock that `make load` takes,
    and fails with a message while another process holds it. Readers (dbt test, docs) take none.
    Teradata locks rows itself and updates watermarks directly; there the hook is one query, which
    fails if the session is not as docs/teradata.md sets it up, or a setting is not the one the
    warehouse was built with.
    stamp_run is a hook of its own, as a hook is one request there. -#}
{% macro begin_run(selected) -%}
  {%- if target.type == 'teradata' and target.tmode != 'ANSI' -%}
    {{ exceptions.raise_compiler_error("tmode is " ~ target.tmode ~ ": only ANSI sessions keep what this project relies on (case, MULTISET, errors instead of cuts)") }}
  {%- elif target.type == 'teradata' and is_writing() and flags.EMPTY -%}
    {{ exceptions.raise_compiler_error("--empty would leave tables without rows: on Teradata a run cannot be taken back; dbt compile checks the SQL") }}
  {%- elif target.type == 'teradata' and is_writing() -%}
    {%- do teradata_refuse_unerased(selected) -%}
    {{ teradata_refuse_other_settings() }}
  {%- endif -%}
  {%- if target.type == 'duckdb' and is_writing() -%}select take_writer_lock('dbt {{ flags.WHICH }}');
    select check_setting(setting_name, setting_value) from {{ source('bookkeeping', 'settings') }}
  {%- endif -%}
{%- endmacro %}

{#- On DuckDB a run is one transaction: readers see all of it or nothing, and a run that fails or is
    killed has written nothing. The tables of a batch are dropped before it begins, as a transaction
    keeps what it drops in memory to its end. On Teradata each request is a transaction. -#}
{% macro begin_transaction(selected) -%}
  {%- if is_one_transaction() -%}
    {%- for id in selected if execute and id.startswith('model.') and graph.nodes[id].config.materialized == 'table' -%}
      drop table if exists {{ graph.nodes[id].relation_name }};
    {% endfor -%}
    begin
  {%- endif -%}
{%- endmacro %}

{% macro stamp_run() -%}
  {%- if is_writing() -%}{{ open_watermarks() }}{%- endif -%}
{%- endmacro %}

{#- on-run-end -#}
{% macro end_run(results) -%}
  {%- if target.type == 'duckdb' and is_writing() and is_whole(results) -%}{{ keep_watermarks() }}{%- endif -%}
{%- endmacro %}

{#- Else the connection is rolled back or closed: so a run with --empty tries the SQL and changes nothing. -#}
{% macro commit_transaction(results) -%}
  {%- if is_one_transaction() and flags.EMPTY -%}rollback
  {%- elif is_one_transaction() and is_whole(results) -%}commit
  {%- elif is_one_transaction() and results | selectattr('status', 'equalto', 'success') | list -%}
    {%- do exceptions.warn("a model failed, so this run has changed nothing in the warehouse") -%}
  {%- endif -%}
{%- endmacro %}

{#- Nothing has succeeded where on-run-start failed (no lock, other settings). -#}
{% macro is_whole(results) -%}
  {{ return(results | selectattr('status', 'equalto', 'success') | list and not results | selectattr('status', 'equalto', 'error') | list) }}
{%- endmacro %}

{% macro is_one_transaction() -%}
  {{ return(target.type == 'duckdb' and target.name != 'offline' and flags.WHICH in ('run', 'build', 'seed')) }}
{%- endmacro %}

{% macro is_writing() -%}
  {{ return(target.name != 'offline' and flags.WHICH in ('run', 'build')) }}
{%- endmacro %}

{#- A text that is not a number makes the CAST fail, and Teradata's message gives no reason: the
    commands (orchestration/warehouse) check first and report it as a sentence. Without Unicode Pass
    Through the emoji alone makes it fail (6705). -#}
{% macro teradata_refuse_other_settings() -%}
select sum(cast(complaint as integer)) as complaints
from (
    select case
        when extract(timezone_hour from current_timestamp) <> 0 or extract(timezone_minute from current_timestamp) <> 0 then 'the session is not in UTC'
        when 'B' > 'a' or 'я' > '中' then 'texts are not ordered by their bytes'
        when setting_name = '😀' then 'no such setting'
        {%- for name in var('stored_settings') %}
        when setting_name = '{{ name }}' and setting_value <> '{{ setting(name) }}' then 'the warehouse was built with another {{ name }}'
        {%- endfor %}
        else '0'
    end as complaint
    from {{ source('bookkeeping', 'settings') }}
) as checked
{%- endmacro %}

{#- on-run-start: 'this run' is one more than all; 'computed' is what all computing models are done with.
    One with a table and no watermark was built by a run that was killed: it starts over. -#}
{% macro open_watermarks() -%}
  {{ return(adapter.dispatch('open_watermarks', 'twist')()) }}
{%- endmacro %}

{% macro default__open_watermarks() %}{{ unsupported_engine('open_watermarks') }}{% endmacro %}

{% macro duckdb__open_watermarks() -%}
create or replace temp table watermarks as
select model_name, load_id from {{ source('bookkeeping', 'watermarks').render() }}
where model_name not in ('this run', 'computed')
union all
{{ run_stamps() }}
{%- endmacro %}

{% macro teradata__open_watermarks() -%}
merge into {{ watermarks() }} as noted
using ({{ run_stamps() }}) as done
on noted.model_name = done.model_name
when matched then update set load_id = done.load_id
when not matched then insert (model_name, load_id) values (done.model_name, done.load_id)
{%- endmacro %}

{#- Not by load_relation: its query would begin a transaction, which nothing in a hook commits. -#}
{% macro run_stamps() -%}
  {%- set stored, newest, computed, nodes, schemas = {}, [0], [], [], [] -%}
  {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.fqn[1] in ('intermediate', 'marts')
        and node.config.materialized == 'incremental' -%}
    {%- do nodes.append(node) -%}
    {%- do schemas.append(node.schema) -%}
  {%- endfor -%}
  {%- if execute -%}
    {%- set watermarks %}select model_name, load_id from {{ source('bookkeeping', 'watermarks').render() }}{% endset -%}
    {%- for name, load_id in run_query(watermarks).rows -%}
      {%- do stored.update({name: load_id | int}) -%}
      {%- do newest.append(load_id | int) -%}
    {%- endfor -%}
    {%- set tables -%}
      {%- if target.type == 'teradata' %}select tablename from dbc.tablesv where databasename
      {%- else %}select table_name from duckdb_tables() where database_name = 'twist' and schema_name
      {%- endif %} in ('{{ schemas | unique | join("', '") }}')
    {%- endset -%}
    {%- for (name,) in run_query(tables).rows if name | lower not in stored -%}
      {%- do stored.update({name | lower: 0}) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- for node in nodes if node.name in stored -%}
    {%- do computed.append(stored[node.name]) -%}
  {%- endfor -%}
select cast('this run' as {{ text_type(128) }}) as model_name, cast({{ (newest | max) + 1 }} as bigint) as load_id
from (select 1 as one) as stamped
union all
select cast('computed' as {{ text_type(128) }}), cast({{ computed | min if computed else 0 }} as bigint) from (select 1 as one) as bounded
{%- endmacro %}

{% macro keep_watermarks() -%}
merge into {{ source('bookkeeping', 'watermarks').render() }} as kept
using temp.main.watermarks as done
on kept.model_name = done.model_name
when matched and kept.load_id <> done.load_id then update set load_id = done.load_id
when not matched then insert (model_name, load_id) values (done.model_name, done.load_id)
{%- endmacro %}
