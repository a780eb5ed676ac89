{#- The CTE `kept` of audit.landed_objects: per object, the lines that were staged or set aside since
    the last audit row was written, also by a load that was killed before its audit, and the ranges of
    their positions. Lines replayed from late_events belong to no object. -#}
{% macro lines_since_last_audit() -%}
  {%- set last = last_load() -%}
staged_lines as (
    select {{ topic_name('clickstream') }} as topic, object_key, etag, kafka_partition, kafka_offset, arrived_at,
        1 as loaded, 0 as late, 0 as quarantined
    from {{ ref('stg_clickstream__events') }}
    where load_id > {{ last }} and object_key <> ''
    union all
    select {{ topic_name('sku_availability') }} as topic, object_key, etag, kafka_partition, kafka_offset, arrived_at, 1, 0, 0
    from {{ ref('stg_availability__stock_changes') }}
    where first_load_id > {{ last }} and object_key <> ''
    union all
    select {{ topic_name('product_catalog') }} as topic, object_key, etag, kafka_partition, kafka_offset, arrived_at, 1, 0, 0
    from {{ ref('stg_catalog__skus') }}
    where load_id > {{ last }}
    union all
    select {{ topic_name('dead_letters') }} as topic, object_key, etag, letter_partition, letter_offset, letter_arrived_at, 1, 0, 0
    from {{ ref('dead_letters') }}
    where load_id > {{ last }}
    union all
    select topic, object_key, etag, kafka_partition, kafka_offset, arrived_at, 0, 1, 0
    from {{ ref('late_events') }}
    where load_id > {{ last }}
    union all
    select topic, object_key, etag, kafka_partition, kafka_offset, arrived_at, 0, 0, 1
    from {{ ref('quarantined_lines') }}
    where load_id > {{ last }}
),

kept as (
    select
        topic, object_key, etag,
        cast(sum(cast(loaded as bigint)) as bigint) as loaded,
        cast(sum(cast(late as bigint)) as bigint) as late,
        cast(sum(cast(quarantined as bigint)) as bigint) as quarantined,
        min(kafka_partition) as lowest_partition, max(kafka_partition) as highest_partition,
        min(kafka_offset) as lowest_offset, max(kafka_offset) as highest_offset,
        min(case when kafka_offset is not null then arrived_at end) as lowest_arrival,
        max(case when kafka_offset is not null then arrived_at end) as highest_arrival
    from staged_lines
    group by topic, object_key, etag
)
{%- endmacro %}
