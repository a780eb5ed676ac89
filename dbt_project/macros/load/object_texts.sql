{#- object_texts(batch): the objects of the batch as they were read: topic, folder_hour, object_key,
    etag and object_size (of what was read, which may be newer than what was listed), read_error,
    line_count (null where not counted), and where the engine reads text: object_text, bad_lines.
    DuckDB: lake_text (ingestion/lake): a truncated gzip is an error; DuckDB's own readers lose
    its lines silently. Teradata: landed_lines reads the foreign table itself, and what NOS skipped
    is found afterwards (objects_read). -#}
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
    cast(null as {{ text_type(512) }}) as read_error,
    cast(null as bigint) as line_count
from {{ batch }}
{%- endmacro %}

{#- objects_read(lines): the batch with its read errors. `lines` counts the lines per object.
    DuckDB: reported by lake_text. Teradata: NOS silently skips a file that it cannot read, so one
    that was listed but returned no line is unreadable; 20 bytes are an empty gzip. -#}
{% macro objects_read(lines) -%}
  {{ return(adapter.dispatch('objects_read', 'twist')(lines)) }}
{%- endmacro %}

{% macro default__objects_read(lines) %}{{ unsupported_engine('objects_read') }}{% endmacro %}

{% macro duckdb__objects_read(lines) -%}
    select topic, folder_hour, object_key, etag, object_size, read_error from {{ ref('load_objects') }}
{%- endmacro %}

{% macro teradata__objects_read(lines) -%}
    select
        listed.topic, listed.folder_hour, listed.object_key, listed.etag, listed.object_size,
        case when {{ lines }}.object_key is null and listed.object_size <> 20
            then cast('NOS returned no line of it: empty, cut, no gzip, or vanished' as {{ text_type(512) }})
        end as read_error
    from (select * from {{ ref('load_objects') }}) as listed
    left join {{ lines }}
        on listed.object_key = {{ lines }}.object_key and listed.etag = {{ lines }}.etag
{%- endmacro %}
