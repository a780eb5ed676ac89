{#- character_count(text): its length in Unicode characters. Teradata: LENGTH is not ANSI there. -#}
{% macro character_count(text) -%} character_length({{ text }}) {%- endmacro %}
