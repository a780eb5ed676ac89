{#- is_other(one, other): IS DISTINCT FROM, which Teradata lacks. -#}
{% macro is_other(one, other) -%}
  {{ return('(' ~ one ~ ' <> ' ~ other ~ ' or (' ~ one ~ ' is null and ' ~ other ~ ' is not null) or ('
      ~ one ~ ' is not null and ' ~ other ~ ' is null))') }}
{%- endmacro %}
