-- Per object, lines = loaded + duplicates + late + quarantined; in all, what was loaded or replayed
-- is what staging holds, and what was set aside is what is kept.
with objects as (
    select * from {{ ref('landed_objects') }}
),

counted as (
    select
        (select coalesce(sum(cast(loaded as bigint)), 0) from objects) as loaded,
        (select coalesce(sum(cast(late as bigint)), 0) from objects) as late,
        (select coalesce(sum(cast(quarantined as bigint)), 0) from objects) as quarantined,
        (select count(*) from {{ ref('late_events') }} where replayed_at is not null) as replayed,
        (select count(*) from {{ ref('late_events') }}) as late_kept,
        (select count(*) from {{ ref('quarantined_lines') }}) as quarantined_kept,
        (select count(*) from {{ ref('stg_clickstream__events') }})
        + (select count(*) from {{ ref('stg_availability__stock_changes') }})
        + (select count(*) from {{ ref('stg_catalog__skus') }}) as staged
)

select object_key, etag, 'the parts of its lines do not add up' as what_is_wrong
from objects
where lines <> loaded + duplicates + late + quarantined or duplicates < 0
union all
select 'all objects', '', 'loaded and replayed lines are not the staged rows' from counted where loaded + replayed <> staged
union all
select 'all objects', '', 'late or quarantined lines are not those kept' from counted
where late <> late_kept or quarantined <> quarantined_kept
