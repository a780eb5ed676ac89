-- The batch's catalog lines, typed and validated: one row per line.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

select
    {{ line_columns('product_catalog') }},
    {{ bounded_text('sku_id', 128) }} as sku_id,
    {{ bounded_text('style_id', 128) }} as style_id,
    {{ bounded_text('brand', 256) }} as brand,
    {{ bounded_text('department', 256) }} as department,
    {{ bounded_text('category', 256) }} as category,
    {{ bounded_text('color', 256) }} as color,
    {{ bounded_text('size', 256) }} as size,
    {{ try_double('price') }} as price,
    {{ bounded_text('currency', 128) }} as currency,
    {{ try_share('size_share') }} as size_share,
    cast(case is_active when 'true' then 1 else 0 end as smallint) as is_active
from ({{ judged_lines('product_catalog') }}) as judged
