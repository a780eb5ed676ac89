-- The batch: the oldest objects that are new or are to be read again, up to batch_mb.
{{ config(index=primary_index(['object_number']), post_hook="{{ read_batch(this) if target.type == 'duckdb' }}") }}

with listing as (
    select * from {{ ref('load_listing') }} where list_error is null
),

audited as (
    select * from {{ source('earlier_audit', 'landed_objects') }}
),

batch_start as (
    select min(listed_at) as listed_at, min(folder_hour) as folder_hour from listing
),

-- Lines of them were ahead of the clock, which has reached them.
reached as (
    select distinct object_key, etag
    from {{ source('earlier_audit', 'quarantined_lines') }}
    where read_again_at <= {{ clock() }}
),

-- Read again, however old their folder: unreadable ones at every load until they load or are accepted.
again as (
    select audited.topic, audited.folder_hour, audited.object_key, audited.object_size, audited.etag
    from audited
    left join reached on audited.object_key = reached.object_key and audited.etag = reached.etag
    where (audited.status = 'unreadable' or reached.object_key is not null)
        and audited.object_key not in (select listing.object_key from listing)
    qualify row_number() over (
        partition by audited.object_key order by audited.audited_at desc nulls last, audited.etag asc nulls first
    ) = 1
),

-- Done: loaded or accepted with this content, or already tried since this listing.
done as (
    select audited.object_key, audited.etag, audited.status
    from audited
    cross join batch_start
    left join reached on audited.object_key = reached.object_key and audited.etag = reached.etag
    where audited.folder_hour >= batch_start.folder_hour
        and (audited.status in ('loaded', 'accepted') or audited.audited_at >= batch_start.listed_at)
        and reached.object_key is null
),

tried as (
    select distinct audited.object_key
    from audited
    cross join batch_start
    where audited.audited_at >= batch_start.listed_at
),

candidates as (
    select topic, folder_hour, object_key, object_size, etag from listing
    union all
    select topic, folder_hour, object_key, object_size, etag from again
),

pending as (
    select
        candidates.*,
        sum(cast(candidates.object_size as bigint)) over (
            order by candidates.folder_hour nulls first, candidates.object_key nulls first
            rows unbounded preceding
        ) - candidates.object_size as bytes_before
    from candidates
    left join done
        on candidates.object_key = done.object_key and candidates.etag = done.etag
    left join tried
        on candidates.object_key = tried.object_key
    where done.object_key is null and tried.object_key is null
)

select
    cast(row_number() over (order by folder_hour nulls first, object_key nulls first) as bigint) as object_number,
    topic, folder_hour, object_key, object_size, etag
from pending
where bytes_before < {{ setting('batch_mb') }} * 1000000
