{#- landed_listing(): the landed objects that may be new: topic, folder_hour, object_key,
    object_size (bytes), etag, listed_at.

    The start is per topic: another topic's progress says nothing about this one. A folder ahead of
    the clock never moves it. TWIST_SWEEP=1 lists all days that late events can reach, and so does
    the first load of each UTC day.
    DuckDB: lake_list (ingestion/lake.py), one folder level at a time.
    Teradata: READ_NOS with NOSREAD_KEYS over the same folders. -#}
{% macro landed_listing() -%}
  {{ return(adapter.dispatch('landed_listing', 'twist')()) }}
{%- endmacro %}

{% macro default__landed_listing() %}{{ unsupported_engine('landed_listing') }}{% endmacro %}

{% macro duckdb__landed_listing() %}
with topics as (
    select unnest(['clickstream', 'sku_availability', 'product_catalog', 'dead_letters']) as topic
),

audited as (
    select topic, max(folder_hour) as newest_folder_hour, max(audited_at) as audited_at
    from {{ source('warehouse', 'landed_objects') }}
    where folder_hour <= {{ clock() }}
    group by topic
),

starts as (
    select
        topics.topic,
        case
            when cast(max(audited.audited_at) over () as date) < cast({{ clock() }} as date)
                or {{ setting('sweep') }} = 1
                then least(
                    newest_folder_hour - interval '{{ setting('landing_slack_hours') }}' hour,
                    date_trunc('day', {{ clock() }}) - interval '{{ setting('late_days') + 1 }}' day
                )
            else newest_folder_hour - interval '{{ setting('landing_slack_hours') }}' hour
        end as since
    from topics
    left join audited on topics.topic = audited.topic
),

listed as (
    select unnest(lake_list(topic, strftime(since, '%Y-%m-%dT%H:%M:%S'))) as landed
    from starts
)

select
    landed.topic, landed.folder_hour, landed.object_key, landed.object_size, landed.etag,
    {{ clock() }} as listed_at
from listed
{% endmacro %}

{% macro teradata__landed_listing() %}
select
    cast(topic as {{ text_type(64) }}) as topic,
    cast(folder_hour as timestamp(6)) as folder_hour,
    cast(object_key as {{ text_type(1024) }}) as object_key,
    cast(object_size as bigint) as object_size,
    cast(etag as {{ text_type(128) }}) as etag,
    {{ clock() }} as listed_at
from {{ source('landing', 'landing_keys') }}
{% endmacro %}
