-- The versions of the catalog, valid from valid_from until the day before valid_to.
{{ config(
    unique_key=['valid_from', 'sku_id'],
    index=primary_index(['valid_from', 'sku_id']),
    recomputed={'by': 'changed_catalog_skus'},
) }}
{%- set attributes = ['sku_id', 'style_id', 'brand', 'department', 'category', 'color', 'size', 'price', 'currency',
    'size_share', 'is_active', 'event_ts', 'kafka_partition', 'kafka_offset', 'arrived_at'] | join(', ') %}

-- In an incremental run: of the changed SKUs the rows since the change, and the version before it.
with catalog_rows as (
    select counts_from, {{ attributes }}
    from {{ ref('stg_catalog__skus') }}
    where {{ not_before('changed_catalog_skus', 'changed_from', 'counts_from') }}
        and {{ within('changed_catalog_skus', ['sku_id']) }}
    {%- if narrows('changed_catalog_skus') %}
    union all
    select valid_from as counts_from, {{ attributes }}
    from {{ this }}
    where {{ within('changed_catalog_skus', ['sku_id']) }}
        and not {{ not_before('changed_catalog_skus', 'changed_from', 'valid_from') }}
        and {{ not_before('changed_catalog_skus', 'changed_from', 'valid_to') }}
    {%- endif %}
),

-- Of a SKU's rows that count by a day, the newest is valid.
by_age as (
    select
        catalog_rows.*,
        row_number() over (
            partition by sku_id
            order by event_ts nulls first, kafka_partition nulls first, kafka_offset nulls first,
                arrived_at nulls first
        ) as age_rank
    from catalog_rows
),

newest_by_day as (
    select sku_id, counts_from, max(age_rank) as newest_rank
    from by_age
    group by sku_id, counts_from
),

holders as (
    select
        sku_id,
        counts_from as valid_from,
        max(newest_rank) over (
            partition by sku_id order by counts_from nulls first rows unbounded preceding
        ) as holder_rank,
        lead(counts_from) over (partition by sku_id order by counts_from nulls first) as next_from
    from newest_by_day
)

select
    holders.valid_from,
    cast(coalesce(holders.next_from, date '9999-12-31') as date) as valid_to,
    by_age.sku_id,
    by_age.style_id,
    by_age.brand,
    by_age.department,
    by_age.category,
    by_age.color,
    by_age.size,
    by_age.price,
    by_age.currency,
    by_age.size_share,
    by_age.is_active,
    by_age.event_ts,
    by_age.kafka_partition,
    by_age.kafka_offset,
    by_age.arrived_at,
    {{ load_id() }} as load_id
from holders
inner join by_age
    on holders.sku_id = by_age.sku_id and holders.holder_rank = by_age.age_rank
