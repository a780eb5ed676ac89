{#- Erases persons from the tables, as run-operations (orchestration/erasure/tables.py), each in one
    transaction: on Teradata in one request.
      forget             the visitors of load_forgotten, or of every line that arrived before a moment;
                         and the lines set aside whose new texts load_rewritten has
      forget_batch       the same of a batch that is not staged yet, with new texts from load_erased
      follow_objects     objects that were rewritten: load_followed has their new etag and size -#}
{% macro forget(before=none) %}
  {%- set events, views = source('earlier_staging', 'stg_clickstream__events'), source('earlier_marts', 'fct_twist') -%}
  {%- set asked %}visitor_id in (select visitor_id from {{ one_run('load_forgotten') }}){% endset -%}
  {%- set of_views = personal_columns('fct_twist') -%}
  {%- set old_event %}arrived_at < {{ before }} and ({{ personal_columns('stg_clickstream__events') | join(' is not null or ') }} is not null or {{ is_other('user_agent', found_bot_pattern('user_agent')) }}){% endset -%}
  {%- set old_view %}view_ts < {{ before }} and ({{ of_views | join(' is not null or ') }} is not null){% endset -%}
  {%- set of_event, of_view = (old_event, old_view) if before else (asked, asked) -%}
  {%- set statements = [count_erased('staged_rows', events, of_event, before), count_erased('fact_rows', views, of_view, before)] -%}
  {%- set rewritten %}(select visitor_hash, cast(count(*) as bigint) as erased from {{ one_run('load_rewritten') }} group by visitor_hash){% endset -%}
  {%- do statements.append(update_from(source('bookkeeping', 'erasures'), rewritten, 'set_aside_rows = kept.set_aside_rows + given.erased', 'kept.visitor_hash = given.visitor_hash')) -%}
  {%- do statements.append(without_fields(events, of_event)) -%}
  {%- set query %}update {{ views }} set {{ of_views | join(' = null, ') }} = null where {{ of_view }}{% endset -%}
  {%- do statements.append(query) -%}
  {%- for table in ['late_events', 'quarantined_lines', 'conflicting_copies', 'dead_letters'] -%}
    {%- set theirs %}(select * from {{ one_run('load_rewritten') }} where table_name = '{{ table }}'){% endset -%}
    {%- set same_line %}kept.object_key = given.object_key and kept.etag = given.etag and kept.line_number = given.line_number{% endset -%}
    {%- set texts = 'raw_line = given.raw_line, reason = given.reason' if table == 'dead_letters' else 'raw_line = given.raw_line' -%}
    {%- do statements.append(update_from(source('earlier_audit', table), theirs, texts, same_line)) -%}
  {%- endfor -%}
  {%- do run_together(statements) -%}
{% endmacro %}

{% macro forget_batch(before=none) %}
  {%- set of_person %}visitor_id in (select visitor_id from {{ one_run('load_forgotten') }}){{ ' or arrived_at < ' ~ before if before }}{% endset -%}
  {%- set statements = [without_fields(one_run('load_clickstream'), of_person)] -%}
  {%- for table in ['load_clickstream', 'load_dead_letters'] -%}
    {%- set theirs %}(select * from {{ one_run('load_erased') }} where table_name = '{{ table }}'){% endset -%}
    {%- set texts = 'raw_line = given.raw_line' ~ (', raw_value = given.raw_value, reason = given.reason' if table == 'load_dead_letters') -%}
    {%- do statements.append(update_from(one_run(table), theirs, texts, 'kept.object_number = given.object_number and kept.line_number = given.line_number')) -%}
  {%- endfor -%}
  {%- do run_together(statements) -%}
{% endmacro %}

{#- on-run-start. Between these two models the loader erases a batch, as it has sha256. -#}
{% macro teradata_refuse_unerased(selected) -%}
  {%- if execute and 'model.twist.load_clickstream' in selected and 'model.twist.stg_clickstream__events' in selected -%}
    {%- set query %}select count(*) as registered from {{ source('bookkeeping', 'erasures') }}{% endset -%}
    {%- if run_query(query).rows[0][0] -%}
      {{ exceptions.raise_compiler_error("somebody is forgotten, and dbt alone would bring them back: load by `make load`, which erases each batch") }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro without_fields(table, of_person) -%}
update {{ table }} set {{ personal_columns('stg_clickstream__events') | join(' = null, ') }} = null,
    user_agent = {{ found_bot_pattern('user_agent') }}
where {{ of_person }}
{%- endmacro %}

{#- The columns of a model whose YAML says that they hold a person; of a user agent the bot's pattern stays. -#}
{% macro personal_columns(name) -%}
  {%- set found = [] -%}
  {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ name].columns.values() if column.meta.get('personal_data') and column.name != 'user_agent' -%}
    {%- do found.append(column.name) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

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
  {%- set added %}{{ column }} = kept.{{ column }} + given.erased{% endset -%}
  {{ return(update_from(source('bookkeeping', 'erasures'), rows, added, 'kept.visitor_hash = given.visitor_hash')) }}
{%- endmacro %}

{% macro follow_objects() %}
  {%- set statements = [] -%}
  {%- for table in ['landed_objects', 'late_events', 'quarantined_lines', 'conflicting_copies', 'dead_letters'] -%}
    {%- set content = 'etag = given.etag, object_size = given.object_size' if table == 'landed_objects' else 'etag = given.etag' -%}
    {%- do statements.append(update_from(source('earlier_audit', table), one_run('load_followed'), content, 'kept.object_key = given.object_key and kept.etag = given.old_etag')) -%}
  {%- endfor -%}
  {%- do run_together(statements) -%}
{% endmacro %}

{#- All or none of them. The statements of one request are a transaction on Teradata. -#}
{% macro run_together(statements) -%}
  {%- for query in ['begin'] + statements + ['commit'] if target.type == 'duckdb' -%}{%- do run_query(query) -%}{%- endfor -%}
  {%- if target.type == 'teradata' -%}{%- do run_query(statements | join(';\n')) -%}{%- endif -%}
{%- endmacro %}

{% macro one_run(name) -%}
  {{ return('temp.main.' ~ name if target.type == 'duckdb' else target.schema ~ '_load.' ~ name) }}
{%- endmacro %}

{#- update_from(table, source, changes, condition): UPDATE … FROM a query or a table: `kept` are the table's
    rows, `given` the source's. Teradata names the table in FROM (B035-1146, Joined Tables Form). -#}
{% macro update_from(table, source, changes, condition) -%}
  {{ return(adapter.dispatch('update_from', 'twist')(table, source, changes, condition)) }}
{%- endmacro %}

{% macro default__update_from(table, source, changes, condition) %}{{ unsupported_engine('update_from') }}{% endmacro %}

{% macro duckdb__update_from(table, source, changes, condition) -%}
update {{ table }} as kept set {{ changes }} from {{ source }} as given where {{ condition }}
{%- endmacro %}

{% macro teradata__update_from(table, source, changes, condition) -%}
update kept from {{ table }} as kept, {{ source }} as given set {{ changes }} where {{ condition }}
{%- endmacro %}
