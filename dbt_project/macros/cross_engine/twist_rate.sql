{#- twist_rate(in_stock, out_of_stock): in stock over known, as decimal(7,6); null where nothing is
    known. Through double precision, for the engines divide decimals to different scales. -#}
{% macro twist_rate(in_stock, out_of_stock) -%}
  cast(cast({{ in_stock }} as double precision)
        / cast(nullif({{ in_stock }} + {{ out_of_stock }}, 0) as double precision) as decimal(7, 6))
{%- endmacro %}
