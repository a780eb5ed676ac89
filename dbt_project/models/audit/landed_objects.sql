-- One row per object version, with its counts of loaded, duplicate, late and quarantined lines.
-- Written after staging and the tables of lines set aside: the row marks the object as done. Lines
-- that a killed load had staged are counted too, because the counts come from the tables' rows.
-- depends_on: {{ ref('late_events') }} {{ ref('quarantined_lines') }} {{ ref('stg_catalog__skus') }} {{ ref('dead_letters') }}
{{ config(
    incremental_strategy='merge',
    unique_key=['object_key', 'etag'],
    index=primary_index(['object_key', 'etag']),
) }}

with listing as (
    select object_key, etag, listed_at from {{ ref('load_listing') }}
),

-- audited_at is the time of listing: a load that ends after midnight must not count as the first
-- one of the day, which sweeps.
offered as (
    select coalesce(min(listed_at), {{ clock() }}) as audited_at from listing
),

audited as (
    select * from {{ source('earlier_audit', 'landed_objects') }}
),

-- An object that was loaded and cannot be read again stays loaded.
batch as (
    select readings.*
    from (select * from {{ ref('load_readings') }} where object_number > 0) as readings
    left join audited on readings.object_key = audited.object_key and readings.etag = audited.etag
    where readings.read_error is null or audited.object_key is null or audited.status <> 'loaded'
),

-- Counted as they are: a line may have been released.
quarantined as (
    select batch.object_key, batch.etag, cast(count(*) as bigint) as quarantined
    from batch
    inner join (select * from {{ ref('quarantined_lines') }}) as set_aside
        on batch.object_key = set_aside.object_key and batch.etag = set_aside.etag
    where set_aside.released_at is null
    group by batch.object_key, batch.etag
),

{{ lines_since_last_audit() }},

-- A content that was superseded and has returned keeps the lines that were counted for it before.
counted as (
    select
        batch.object_key, batch.etag,
        coalesce(kept.loaded, 0) + coalesce(audited.loaded, 0) as loaded,
        coalesce(kept.late, 0) + coalesce(audited.late, 0) as late,
        coalesce(quarantined.quarantined, 0) as quarantined
    from batch
    left join quarantined on batch.object_key = quarantined.object_key and batch.etag = quarantined.etag
    left join kept on batch.object_key = kept.object_key and batch.etag = kept.etag
    left join audited on batch.object_key = audited.object_key and batch.etag = audited.etag
),

-- Objects that a killed load had begun and that were rewritten since: no load will list them again.
superseded as (
    select
        kept.topic, cast(null as timestamp(6)) as folder_hour, kept.object_key, kept.etag,
        kept.loaded, kept.late, kept.quarantined, kept.lowest_partition, kept.highest_partition,
        kept.lowest_offset, kept.highest_offset, kept.lowest_arrival, kept.highest_arrival
    from kept
    left join batch on kept.object_key = batch.object_key and kept.etag = batch.etag
    left join listing on kept.object_key = listing.object_key and kept.etag = listing.etag
    left join audited on kept.object_key = audited.object_key and kept.etag = audited.etag
    where batch.object_key is null and listing.object_key is null and audited.object_key is null
),

-- An unreadable object whose key now holds another content, readable or not.
repaired as (
    select audited.*
    from audited
    inner join batch on audited.object_key = batch.object_key and audited.etag <> batch.etag
    where audited.status = 'unreadable'
)

select
    batch.object_key, batch.etag, batch.topic, batch.folder_hour, batch.object_size,
    cast(case when batch.read_error is null then 'loaded' else 'unreadable' end as {{ text_type(16) }}) as status,
    batch.read_error,
    batch.line_count as lines,
    counted.loaded,
    batch.line_count - counted.loaded - counted.late - counted.quarantined as duplicates,
    counted.late,
    counted.quarantined,
    batch.lowest_partition, batch.highest_partition,
    batch.lowest_offset, batch.highest_offset,
    batch.lowest_arrival, batch.highest_arrival,
    offered.audited_at,
    cast(null as {{ text_type(1024) }}) as accepted_why,
    {{ load_id() }} as load_id
from batch
cross join offered
inner join counted on batch.object_key = counted.object_key and batch.etag = counted.etag
union all
select
    superseded.object_key, superseded.etag, superseded.topic, superseded.folder_hour,
    cast(null as bigint) as object_size, cast('superseded' as {{ text_type(16) }}) as status,
    cast(null as {{ text_type(512) }}) as read_error,
    superseded.loaded + superseded.late + superseded.quarantined as lines,
    superseded.loaded, cast(0 as bigint) as duplicates, superseded.late, superseded.quarantined,
    superseded.lowest_partition, superseded.highest_partition,
    superseded.lowest_offset, superseded.highest_offset,
    superseded.lowest_arrival, superseded.highest_arrival,
    {{ clock() }} as audited_at, cast(null as {{ text_type(1024) }}) as accepted_why, {{ load_id() }} as load_id
from superseded
union all
select
    repaired.object_key, repaired.etag, repaired.topic, repaired.folder_hour, repaired.object_size,
    cast('superseded' as {{ text_type(16) }}) as status, repaired.read_error, repaired.lines, repaired.loaded, repaired.duplicates,
    repaired.late, repaired.quarantined,
    repaired.lowest_partition, repaired.highest_partition,
    repaired.lowest_offset, repaired.highest_offset,
    repaired.lowest_arrival, repaired.highest_arrival,
    {{ clock() }} as audited_at, repaired.accepted_why, {{ load_id() }} as load_id
from repaired
