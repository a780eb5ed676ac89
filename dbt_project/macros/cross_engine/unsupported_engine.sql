{#- The error of every dispatch macro on an engine without an implementation. -#}
{% macro unsupported_engine(macro_name) -%}
  {{ exceptions.raise_compiler_error(
      "macro " ~ macro_name ~ " is not implemented for " ~ target.type ~ ": add " ~ target.type ~ "__" ~ macro_name) }}
{%- endmacro %}
