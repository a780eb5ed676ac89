{#- The load_id that each model has finished with (its watermark). A model writes a load_id with its
    rows and stores it when it is done; models downstream read rows with a higher load_id than their
    own. A load_id is one more than any before it, so the next run picks up a model that was rebuilt
    by hand or killed. If a watermark is lost, the next run repeats the work with the same result.

    load_id()            the load_id of the rows that the running model writes
    last_load()          the load_id that it (or another model) last finished with, as a literal (files older than it are
                         never opened); 0 on a first build, and while compiling without a warehouse
    record_watermark()   post-hook: the model is done (except in a run with --empty, which did nothing)
    forget_watermark()   pre-hook, for Teradata: a table about to be rebuilt is not done. There the
                         build is two requests (CREATE, INSERT): if the second fails, the next run
                         finds a table without rows and fills it from all of its inputs
    watermarks()         the table. On DuckDB a run works on a copy in memory, read at its start
                         (open_watermarks) and stored at its end (keep_watermarks), because a small
                         write to the lake costs more than most models; compile, show and docs read
                         the stored table. Teradata works on the table itself. -#}
{% macro watermarks() -%}
  {{ return(adapter.dispatch('watermarks', 'twist')()) }}
{%- endmacro %}

{% macro default__watermarks() %}{{ unsupported_engine('watermarks') }}{% endmacro %}
{% macro duckdb__watermarks() -%}
  {#- Not by source(): that would make the table a parent of every model in the lineage. -#}
  {{ return('memory.main.watermarks' if is_writing_duckdb() else 'twist.audit.watermarks') }}
{%- endmacro %}
{% macro teradata__watermarks() %}{{ return(source('warehouse', 'watermarks')) }}{% endmacro %}

{% macro load_id() -%}
  (select cast(coalesce(max(load_id), 0) + 1 as bigint) from {{ watermarks() }})
{%- endmacro %}

{% macro last_load(model_name=none) -%}
  {%- if execute and ((load_relation(source('warehouse', model_name)) is not none) if model_name else is_incremental()) -%}
    {#- Queried once per model: this dictionary exists while the model is rendered. -#}
    {%- if 'last_load' in model -%}{{ return(model.last_load) }}{%- endif -%}
    {%- set found = run_query("select coalesce(max(load_id), 0) from " ~ watermarks() ~ " where model_name = '" ~ (model_name or model.name) ~ "'") -%}
    {%- do model.update({'last_load': found.rows[0][0] | int}) -%}
    {{ return(model.last_load) }}
  {%- endif -%}
  {{ return(0) }}
{%- endmacro %}

{% macro record_watermark() -%}
  {%- if model.config.materialized == 'incremental' and not flags.EMPTY -%}
merge into {{ watermarks() }} as noted
using (
    select
        cast('{{ model.name }}' as {{ text_type(128) }}) as model_name,
        cast(coalesce(max(load_id), 0) + 1 as bigint) as load_id
    from {{ watermarks() }}
) as done
on noted.model_name = done.model_name
when matched then update set load_id = done.load_id
when not matched then insert (model_name, load_id) values (done.model_name, done.load_id)
  {%- endif -%}
{%- endmacro %}

{% macro forget_watermark() -%}
  {{ return(adapter.dispatch('forget_watermark', 'twist')()) }}
{%- endmacro %}

{% macro default__forget_watermark() %}{{ unsupported_engine('forget_watermark') }}{% endmacro %}
{% macro duckdb__forget_watermark() %}{{ return('') }}{% endmacro %}

{% macro teradata__forget_watermark() -%}
  {%- if model.config.get('materialized') == 'incremental' and not is_incremental() and not flags.EMPTY -%}
    {{ return("update " ~ watermarks() ~ " set load_id = 0 where model_name = '" ~ model.name ~ "'") }}
  {%- endif -%}
  {{ return('') }}
{%- endmacro %}

{% macro open_watermarks() -%}
create or replace table memory.main.watermarks as
select model_name, load_id from {{ source('warehouse', 'watermarks').render() }}
{%- endmacro %}

{% macro keep_watermarks() -%}
merge into {{ source('warehouse', 'watermarks').render() }} as kept
using memory.main.watermarks as done
on kept.model_name = done.model_name
when matched and kept.load_id <> done.load_id then update set load_id = done.load_id
when not matched then insert (model_name, load_id) values (done.model_name, done.load_id)
{%- endmacro %}
