-- When a SKU came into stock and went out of it: the first state of each day, and every later one
-- that differs from the state before. Published rows are never deleted: one that is no longer a
-- change stays, with the current in_stock value.
{{ config(
    unique_key=['stock_date', 'sku_id', 'valid_from'],
    index=primary_index(['stock_date', 'sku_id', 'valid_from'], day='stock_date'),
    partitioned_by='stock_date',
    recomputed={'by': 'changed_sku_days'},
) }}

with states as (
    select * from {{ ref('int_stock__sku_states') }} where {{ within('changed_sku_days', ['stock_date', 'sku_id']) }}
),

compared as (
    select stock_date, sku_id, valid_from, in_stock, qty_before, change_reason,
        lag(in_stock) over (partition by stock_date, sku_id order by valid_from nulls first) as in_stock_before
    from states
),

flips as (
    select stock_date, sku_id, valid_from, in_stock, qty_before, change_reason
    from compared
    where in_stock_before is null or in_stock <> in_stock_before
    {%- if is_incremental() %}
    union
    select compared.stock_date, compared.sku_id, compared.valid_from, compared.in_stock, compared.qty_before, compared.change_reason
    from compared
    inner join (select * from {{ this }} where {{ within('changed_sku_days', ['stock_date', 'sku_id']) }}) as published
        on compared.stock_date = published.stock_date and compared.sku_id = published.sku_id
            and compared.valid_from = published.valid_from
    {%- endif %}
)

select stock_date, sku_id, valid_from, in_stock, qty_before, change_reason, {{ load_id() }} as load_id from flips
