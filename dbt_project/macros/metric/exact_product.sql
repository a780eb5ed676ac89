{#- exact_product(value, part, whole): value × part ÷ whole of three decimals with six places, as
    decimal(18, 6), half rounded up; null if any is null. In whole millionths: the quotient in double
    precision is at most one off, which a multiplication tells. -#}
{% macro exact_product(value, part, whole) -%}
  {%- set twice_whole -%}cast({{ millionths(whole) }} * cast(2 as decimal(1, 0)) as decimal(38, 0)){%- endset -%}
  {%- set dividend -%}
    ({{ millionths(value) }} * cast({{ millionths(part) }} * cast(2 as decimal(1, 0)) as decimal(38, 0)) + {{ millionths(whole) }})
  {%- endset -%}
  {%- set quotient -%}
    cast(cast({{ dividend }} as double precision) / cast({{ twice_whole }} as double precision) as decimal(38, 0))
  {%- endset -%}
  cast(cast(
    {{ quotient }} - case when {{ quotient }} * {{ twice_whole }} > {{ dividend }} then 1 else 0 end
  as decimal(38, 0)) * 0.000001 as decimal(18, 6))
{%- endmacro %}

{% macro millionths(value) -%}
  cast(cast({{ value }} as decimal(38, 6)) * cast(1000000 as decimal(7, 0)) as decimal(38, 0))
{%- endmacro %}
