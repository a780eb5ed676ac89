-- Per object, lines = loaded + duplicates + late + quarantined; in total, loaded and replayed lines
-- equal the rows of staging and dead letters, and lines set aside equal the rows kept of them.
with landed as (
    select * from {{ ref('landed_objects') }}
),

audited as (
    select
        coalesce(sum(cast(loaded as bigint)), 0) as loaded,
        coalesce(sum(cast(late as bigint)), 0) as late,
        coalesce(sum(cast(quarantined as bigint)), 0) as quarantined
    from landed
),

staged as (
    select 1 as one from {{ ref('stg_clickstream__events') }}
    union all
    select 1 as one from {{ ref('stg_availability__stock_changes') }}
    union all
    select 1 as one from {{ ref('stg_catalog__skus') }}
    union all
    select 1 as one from {{ ref('dead_letters') }}
),

staged_rows as (
    select count(*) as staged from staged
),

late_rows as (
    select count(*) as late_kept, count(replayed_at) as replayed from {{ ref('late_events') }}
),

quarantined_rows as (
    select count(*) as quarantined_kept from {{ ref('quarantined_lines') }} where released_at is null
)

select object_key, cast('the parts of its lines do not add up' as {{ text_type(128) }}) as what_is_wrong
from landed
where lines <> loaded + duplicates + late + quarantined or duplicates < 0
union all
select cast('' as {{ text_type(1024) }}) as object_key,
    cast('loaded and replayed lines are not the rows kept, or lines set aside are not those kept' as {{ text_type(128) }}) as what_is_wrong
from audited
cross join staged_rows
cross join late_rows
cross join quarantined_rows
where audited.loaded + late_rows.replayed <> staged_rows.staged
    or audited.late <> late_rows.late_kept
    or audited.quarantined <> quarantined_rows.quarantined_kept
