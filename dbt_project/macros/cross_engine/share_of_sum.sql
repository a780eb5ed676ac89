{#- share_of_sum(part, rest): part over part + rest, as decimal(7,6), half rounded up; null where the
    sum is 0. TWIST is share_of_sum(in stock, out of stock). Computed in double precision because the
    engines divide decimals to different scales, and rounded by FLOOR because a cast of 0.0078125
    gives 0.007813 on DuckDB and 0.007812 on Teradata, which rounds half to even. -#}
{% macro share_of_sum(part, rest) -%}
  cast(cast(floor(cast({{ part }} as double precision)
        / cast(nullif({{ part }} + {{ rest }}, 0) as double precision)
        * cast(1000000 as double precision) + cast(0.5 as double precision)) as decimal(18, 0)) * 0.000001 as decimal(7, 6))
{%- endmacro %}
