{#- Erases persons from the tables, as run-operations (orchestration/erasure/tables.py): one transaction
    on DuckDB; on Teradata a request each, and a rerun completes them.
      forget             the visitors of load_forgotten, or of every line that arrived before a moment;
                         and the lines set aside whose new texts load_rewritten has
      follow_objects     objects that were rewritten: load_followed has their new etag and size -#}
{% macro forget(before=none) %}
  {%- set events, views = source('earlier_staging', 'stg_clickstream__events'), source('earlier_marts', 'fct_twist') -%}
  {%- set asked %}visitor_id in (select visitor_id from {{ one_run('load_forgotten') }}){% endset -%}
  {%- set old_event %}arrived_at < {{ before }} and (visitor_id is not null or session_id is not null or order_id is not null or url is not null or referrer is not null or {{ is_other('user_agent', found_bot_pattern('user_agent')) }}){% endset -%}
  {%- set old_view %}view_ts < {{ before }} and (visitor_id is not null or session_id is not null){% endset -%}
  {%- set of_event, of_view = (old_event, old_view) if before else (asked, asked) -%}
  {%- do in_transaction('begin') -%}
  {%- do count_erased('staged_rows', events, of_event, before) -%}
  {%- do count_erased('fact_rows', views, of_view, before) -%}
  {%- set rewritten %}(select visitor_hash, cast(count(*) as bigint) as erased from {{ one_run('load_rewritten') }} group by visitor_hash){% endset -%}
  {%- do update_from(source('bookkeeping', 'erasures'), rewritten, 'set_aside_rows = kept.set_aside_rows + found.erased', 'kept.visitor_hash = found.visitor_hash') -%}
  {%- set query %}
update {{ events }} set visitor_id = null, session_id = null, order_id = null, url = null, referrer = null,
    user_agent = {{ found_bot_pattern('user_agent') }}
where {{ of_event }}
  {%- endset -%}
  {%- do run_query(query) -%}
  {%- set query %}update {{ views }} set visitor_id = null, session_id = null where {{ of_view }}{% endset -%}
  {%- do run_query(query) -%}
  {%- for table in ['late_events', 'quarantined_lines', 'conflicting_copies', 'dead_letters'] -%}
    {%- set theirs %}(select * from {{ one_run('load_rewritten') }} where table_name = '{{ table }}'){% endset -%}
    {%- set same_line %}kept.object_key = found.object_key and kept.etag = found.etag and kept.line_number = found.line_number{% endset -%}
    {%- set texts = 'raw_line = found.raw_line, reason = found.reason' if table == 'dead_letters' else 'raw_line = found.raw_line' -%}
    {%- do update_from(source('earlier_audit', table), theirs, texts, same_line) -%}
  {%- endfor -%}
  {%- do in_transaction('commit') -%}
{% endmacro %}

{% macro count_erased(column, table, of_person, before) -%}
  {%- set rows -%}
    {%- if before -%}
(select cast('' as {{ text_type(64) }}) as visitor_hash, cast(count(*) as bigint) as erased from {{ table }} where {{ of_person }})
    {%- else -%}
(
    select asked.visitor_hash, cast(count(*) as bigint) as erased
    from (select visitor_id from {{ table }} where {{ of_person }}) as theirs
    inner join (select * from {{ one_run('load_forgotten') }}) as asked on theirs.visitor_id = asked.visitor_id
    group by asked.visitor_hash
)
    {%- endif -%}
  {%- endset -%}
  {%- set added %}{{ column }} = kept.{{ column }} + found.erased{% endset -%}
  {%- do update_from(source('bookkeeping', 'erasures'), rows, added, 'kept.visitor_hash = found.visitor_hash') -%}
{%- endmacro %}

{% macro follow_objects() %}
  {%- do in_transaction('begin') -%}
  {%- for table in ['landed_objects', 'late_events', 'quarantined_lines', 'conflicting_copies', 'dead_letters'] -%}
    {%- set content = 'etag = found.etag, object_size = found.object_size' if table == 'landed_objects' else 'etag = found.etag' -%}
    {%- do update_from(source('earlier_audit', table), one_run('load_followed'), content, 'kept.object_key = found.object_key and kept.etag = found.old_etag') -%}
  {%- endfor -%}
  {%- do in_transaction('commit') -%}
{% endmacro %}

{% macro in_transaction(word) -%}
  {%- if target.type == 'duckdb' -%}{%- do run_query(word) -%}{%- endif -%}
{%- endmacro %}

{% macro one_run(name) -%}
  {{ return('temp.main.' ~ name if target.type == 'duckdb' else target.schema ~ '_load.' ~ name) }}
{%- endmacro %}

{#- update_from(table, source, changes, condition): UPDATE … FROM a query or a table: `kept` are the table's
    rows, `found` the source's. On Teradata, whose form is another (and was never tried), an UPDATE for each
    row of the source: they are few. -#}
{% macro update_from(table, source, changes, condition) -%}
  {{ return(adapter.dispatch('update_from', 'twist')(table, source, changes, condition)) }}
{%- endmacro %}

{% macro default__update_from(table, source, changes, condition) %}{{ unsupported_engine('update_from') }}{% endmacro %}

{% macro duckdb__update_from(table, source, changes, condition) -%}
  {%- set query %}update {{ table }} as kept set {{ changes }} from {{ source }} as found where {{ condition }}{% endset -%}
  {%- do run_query(query) -%}
{%- endmacro %}

{% macro teradata__update_from(table, source, changes, condition) -%}
  {%- set query %}select * from {{ source }} as source_rows{% endset -%}
  {%- set rows = run_query(query) -%}
  {%- for row in rows.rows -%}
    {%- set query %}update {{ table }} set {{ changes.replace('kept.', '') }} where {{ condition.replace('kept.', '') }}{% endset -%}
    {%- set update = namespace(sql=query) -%}
    {%- for name in rows.column_names -%}
      {%- set value = 'null' if row[loop.index0] is none else (row[loop.index0] | int if row[loop.index0] is number else literal(row[loop.index0])) -%}
      {%- set update.sql = update.sql.replace('found.' ~ (name | lower), value | string) -%}
    {%- endfor -%}
    {%- do run_query(update.sql) -%}
  {%- endfor -%}
{%- endmacro %}
