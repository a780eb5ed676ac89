{#- What every dispatch macro says on an engine that nobody wrote it for. -#}
{% macro unsupported_engine(macro_name) -%}
  {{ exceptions.raise_compiler_error(
      "macro " ~ macro_name ~ " is not written for " ~ target.type ~ ": add " ~ target.type ~ "__" ~ macro_name) }}
{%- endmacro %}
