-- Each object of the batch as it was read: etag, size, lines and read error. Object 0 is for the
-- events replayed from audit.late_events. Etag and size are those of the content that was read, which may be
-- newer than the one that was listed.
{{ config(index=primary_index(['object_number'])) }}

with lines as (
    {%- for model in ['load_clickstream', 'load_availability', 'load_catalog', 'load_dead_letters'] %}
    select object_number, count(*) as line_count
    from {{ ref(model) }}
    where object_number > 0
    group by object_number
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

outcomes as (
    {{ objects_read('lines') }}
)

select
    outcomes.object_number, outcomes.topic, outcomes.folder_hour, outcomes.object_key, outcomes.etag,
    outcomes.object_size, outcomes.read_error,
    cast(coalesce(lines.line_count, 0) as bigint) as line_count
from outcomes
left join lines on outcomes.object_number = lines.object_number
union all
select
    cast(0 as bigint) as object_number, cast('' as {{ text_type(64) }}) as topic, cast(null as timestamp(6)) as folder_hour,
    cast('' as {{ text_type(1024) }}) as object_key, cast('' as {{ text_type(128) }}) as etag,
    cast(0 as bigint) as object_size, cast(null as {{ text_type(512) }}) as read_error, cast(0 as bigint) as line_count
from (select 1 as one) as replays
