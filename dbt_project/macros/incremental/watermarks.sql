{#- Each run has a stamp, one more than any before it: the load_id of the rows that it writes. A model
    that is done keeps the run's stamp as its watermark. What all computing models are done with is
    computed; rows with a higher load_id are new to them. If a watermark is lost, the next run
    repeats the work with the same result.

    load_id()            the stamp of the run, as a literal; 0 while parsing
    last_load(model)     the watermark of a model (by default of the one that runs); 0 if it has none
    stamps()             all of them by name, queried once per run, with 'this run', 'bounds' (within.sql) and 'computed':
                         the lowest one of the computing models when the run began, 0 if any has to
                         start over, and for compile, show and docs
    record_watermark()   the model is done: on DuckDB a part of the materialization, on Teradata a
                         post-hook
    forget_watermark()   pre-hook, for Teradata: a table about to be rebuilt is not done. There the
                         build is two requests (CREATE, INSERT): if the second fails, the next run
                         finds a table without rows and fills it from all of its inputs
    watermarks()         the table. On DuckDB a run works on a temporary copy, read at its start
                         (open_watermarks) and stored at its end (keep_watermarks), because a small
                         write to the lake costs more than most models; compile, show and docs read
                         the stored table. Teradata works on the table itself. -#}
{% macro watermarks() -%}
  {%- if target.type == 'teradata' -%}{{ return(source('bookkeeping', 'watermarks')) }}{%- endif -%}
  {#- Not by source(): that would make the table a parent of every model in the lineage. -#}
  {{ return('temp.main.watermarks' if is_writing() else 'twist.audit.watermarks') }}
{%- endmacro %}

{% macro stamps() -%}
  {#- A dbt that goes on living keeps its graph from run to run. -#}
  {%- if execute and graph.get('stamps', {}).get('run') == invocation_id -%}{{ return(graph.stamps) }}{%- endif -%}
  {%- if not execute or load_relation(source('bookkeeping', 'watermarks')) is none -%}{{ return({'this run': 0, 'computed': 0, 'bounds': {}}) }}{%- endif -%}
  {%- set found, all = {'run': invocation_id, 'bounds': {}}, [0] -%}
  {%- set query %}select model_name, load_id from {{ watermarks() }}{% endset -%}
  {%- for name, load_id in run_query(query).rows -%}
    {%- do found.update({name: load_id | int}) -%}
    {%- do all.append(load_id | int) -%}
  {%- endfor -%}
  {%- if not is_writing() -%}{%- do found.update({'this run': (all | max) + 1, 'computed': 0}) -%}{%- endif -%}
  {%- do graph.update({'stamps': found}) -%}
  {{ return(found) }}
{%- endmacro %}

{% macro load_id() -%} cast({{ stamps()['this run'] }} as bigint) {%- endmacro %}

{% macro last_load(model_name=none) -%}
  {{ return(stamps().get(model_name or model.name, 0) if execute else 0) }}
{%- endmacro %}

{#- note_watermark(name, load_id): a model that is done, or that is to start over. -#}
{% macro note_watermark(name, load_id) -%}
  {%- do stamps().update({name: load_id}) -%}
merge into {{ watermarks() }} as noted
using (
    select cast('{{ name }}' as {{ text_type(128) }}) as model_name, cast({{ load_id }} as bigint) as load_id
) as done
on noted.model_name = done.model_name
when matched then update set load_id = done.load_id
when not matched then insert (model_name, load_id) values (done.model_name, done.load_id)
{%- endmacro %}

{#- A table of models/changed made without another one that it reads lacks keys: it does not count as made. -#}
{% macro record_watermark() -%}
  {%- set missing = [] -%}
  {%- for parent in model.depends_on.nodes if model.fqn[1] == 'changed' and '.changed_' in parent
        and stamps().get(parent.split('.')[-1]) != stamps()['this run'] -%}
    {%- do missing.append(parent) -%}
  {%- endfor -%}
  {%- if model.config.materialized != 'view' -%}{{ note_watermark(model.name, 0 if missing else stamps()['this run']) }}{%- endif -%}
{%- endmacro %}

{% macro forget_watermark() -%}
  {%- if model.config.materialized == 'incremental' and not is_incremental() -%}{{ note_watermark(model.name, 0) }}{%- endif -%}
{%- endmacro %}
