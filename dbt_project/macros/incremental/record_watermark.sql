{#- record_watermark(): post-hook of every model that stamps its rows: notes the stamp it used.
    DuckDB: commits together with the model's own write. Teradata: a request of its own after the
    write; if it is lost, the next run does the same work again, which changes nothing. -#}
{% macro record_watermark() -%}
  {%- if model.config.materialized == 'incremental' -%}
merge into {{ source('warehouse', 'watermarks') }} as noted
using (
    select
        cast('{{ model.name }}' as {{ text_type(128) }}) as model_name,
        cast(coalesce(max(load_id), 0) + 1 as bigint) as load_id
    from {{ source('warehouse', 'watermarks') }}
) as now_done
on noted.model_name = now_done.model_name
when matched then update set load_id = now_done.load_id
when not matched then insert (model_name, load_id) values (now_done.model_name, now_done.load_id)
  {%- endif -%}
{%- endmacro %}
