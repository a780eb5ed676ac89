{#- twist_rate(in_stock, out_of_stock): in stock over known, as decimal(7,6), half rounded up; null
    where nothing is known. Through double precision, for the engines divide decimals to different
    scales; and rounded by FLOOR, for casting 0.0078125 gives 0.007813 on DuckDB and 0.007812 on
    Teradata, which rounds half to even. -#}
{% macro twist_rate(in_stock, out_of_stock) -%}
  cast(cast(floor(cast({{ in_stock }} as double precision)
        / cast(nullif({{ in_stock }} + {{ out_of_stock }}, 0) as double precision)
        * cast(1000000 as double precision) + cast(0.5 as double precision)) as decimal(18, 0)) * 0.000001 as decimal(7, 6))
{%- endmacro %}
