{#- stock_levels(changed, day, sku): the levels of each SKU at each location through the days: stock_date, sku_id,
    location_id, event_ts, tie_partition, tie_offset, tie_arrived_at, change_reason, available_qty. That of an opening
    has its day's first instant and comes before all events (tie_partition -1); a negative one (oversold) counts as 0. In an incremental
    run those from the first `day` of the table `changed` on and, with `sku`, of its days and SKUs only. -#}
{% macro stock_levels(changed, day, sku=none) -%}
    select stock_date, sku_id, location_id, cast(stock_date as timestamp(6)) as event_ts,
        cast(-1 as bigint) as tie_partition, cast(-1 as bigint) as tie_offset,
        cast(timestamp '1970-01-01 00:00:00' as timestamp(6)) as tie_arrived_at,
        cast('' as {{ text_type(128) }}) as change_reason, available_qty
    from {{ ref('int_stock__openings') }}
    where {{ within(changed, [day, sku], ['stock_date', 'sku_id']) if sku else not_before(changed, day, 'stock_date') }}
    union all
    select event_date, sku_id, location_id, event_ts, tie_partition, tie_offset, tie_arrived_at,
        coalesce(change_reason, '') as change_reason,
        case when available_qty < 0 then cast(0 as bigint) else available_qty end as available_qty
    from {{ ref('stg_availability__stock_changes') }}
    where {{ within(changed, [day, sku], ['event_date', 'sku_id']) if sku else not_before(changed, day, 'event_date') }}
{%- endmacro %}
