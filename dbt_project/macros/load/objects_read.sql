{#- objects_read(lines): the objects of the batch as they were read: etag and object_size of the content,
    read_error (null: read completely). `lines` counts the lines per object.
    DuckDB: as the reader noted (ingestion/lake/line_stream.py). Teradata: NOS silently skips a file
    that it cannot read, so one that was listed but returned no line is unreadable; 20 bytes are an
    empty gzip. -#}
{% macro objects_read(lines) -%}
  {{ return(adapter.dispatch('objects_read', 'twist')(lines)) }}
{%- endmacro %}

{% macro default__objects_read(lines) %}{{ unsupported_engine('objects_read') }}{% endmacro %}

{% macro duckdb__objects_read(lines) -%}
    select
        batch.object_number, batch.topic, batch.folder_hour, batch.object_key,
        coalesce(reading.etag, batch.etag) as etag,
        coalesce(reading.object_size, batch.object_size) as object_size,
        reading.read_error
    from (select * from {{ ref('load_objects') }}) as batch
    inner join (select * from {{ source('landing', 'landing_readings') }}) as reading
        on batch.object_number = reading.object_number and batch.object_key = reading.object_key
{%- endmacro %}

{#- read_batch(objects): tells DuckDB's reader which objects it reads from now on. -#}
{% macro read_batch(objects) -%}
select read_batch(list(struct_pack(topic, object_number, object_key, object_size) order by object_number)) from {{ objects }}
{%- endmacro %}

{% macro teradata__objects_read(lines) -%}
    select
        batch.object_number, batch.topic, batch.folder_hour, batch.object_key, batch.etag, batch.object_size,
        case when {{ lines }}.object_number is null and batch.object_size <> 20
            then cast('NOS returned no line of it: empty, cut, no gzip, or vanished' as {{ text_type(512) }})
        end as read_error
    from (select * from {{ ref('load_objects') }}) as batch
    left join {{ lines }} on batch.object_number = {{ lines }}.object_number
{%- endmacro %}
