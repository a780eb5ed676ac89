{#- object_texts(batch): the objects of the batch as they were read: topic, folder_hour, object_key,
    etag and object_size (of what was read, which may be newer than what was listed), read_error,
    and where the engine reads text: object_text, line_count, bad_lines.
    DuckDB: lake_text (ingestion/lake.py): a cut gzip is an error there; DuckDB's own readers lose
    its lines silently. Teradata: landed_lines reads the foreign table itself. -#}
{% macro object_texts(batch) -%}
  {{ return(adapter.dispatch('object_texts', 'twist')(batch)) }}
{%- endmacro %}

{% macro default__object_texts(batch) %}{{ unsupported_engine('object_texts') }}{% endmacro %}

{% macro duckdb__object_texts(batch) -%}
, read_once as materialized (
    select {{ batch }}.*, lake_text(object_key) as landed from {{ batch }}
)

select
    topic, folder_hour, object_key,
    coalesce(landed.etag, etag) as etag,
    coalesce(landed.size, object_size) as object_size,
    landed.error as read_error,
    landed.text as object_text,
    landed.line_count as line_count,
    landed.bad_lines as bad_lines
from read_once
{%- endmacro %}

{% macro teradata__object_texts(batch) -%}
select
    topic, folder_hour, object_key, etag, object_size,
    cast(null as {{ text_type(512) }}) as read_error
from {{ batch }}
{%- endmacro %}
