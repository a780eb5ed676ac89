-- SKUs with new catalog rows, and the first day from which one of them counts.
{{ config(index=primary_index(['sku_id'])) }}

with catalog_rows as (
    select * from {{ ref('stg_catalog__skus') }} where {{ is_new() }}
)

select sku_id, min(counts_from) as changed_from
from catalog_rows
group by sku_id
