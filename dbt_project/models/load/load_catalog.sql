-- The batch's catalog lines, typed and judged: one row a line.
{{ config(index=primary_index(['object_key', 'line_number'])) }}

with lines as (
    {{ landed_lines('product_catalog') }}
),

positioned as (
    {{ positioned_lines('product_catalog') }}
),

judged as (
    select positioned.*, {{ line_problem('product_catalog') }} as problem from positioned
)

select
    {{ line_columns('product_catalog') }},
    cast(sku_id as {{ text_type(128) }}) as sku_id,
    cast(style_id as {{ text_type(128) }}) as style_id,
    cast(brand as {{ text_type(256) }}) as brand,
    cast(department as {{ text_type(256) }}) as department,
    cast(category as {{ text_type(256) }}) as category,
    cast(color as {{ text_type(256) }}) as color,
    cast(size as {{ text_type(256) }}) as size,
    {{ try_double('price') }} as price,
    cast(currency as {{ text_type(128) }}) as currency,
    {{ try_share('size_share') }} as size_share,
    cast(case is_active when 'true' then 1 else 0 end as smallint) as is_active
from judged
