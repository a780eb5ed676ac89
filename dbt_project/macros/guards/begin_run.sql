{#- on-run-start. One writer at a time: a dbt run that writes takes the lock that `make load` takes,
    and refuses with a sentence while another process holds it. Readers (dbt test, docs) take none.
    Teradata locks its own rows and keeps its own watermarks. -#}
{% macro begin_run() -%}
  {%- if is_writing_duckdb() -%}select take_writer_lock('dbt {{ flags.WHICH }}'); {{ open_watermarks() }}{%- endif -%}
{%- endmacro %}

{#- on-run-end. -#}
{% macro end_run() -%}
  {%- if is_writing_duckdb() -%}{{ keep_watermarks() }}{%- endif -%}
{%- endmacro %}

{% macro is_writing_duckdb() -%}
  {{ return(target.type == 'duckdb' and target.name != 'offline' and flags.WHICH in ('run', 'build')) }}
{%- endmacro %}
