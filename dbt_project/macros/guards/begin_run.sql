{#- on-run-start. One writer at a time: a dbt run that writes takes the lock that `make load` takes,
    and refuses with a sentence while another process holds it. Readers (dbt test, docs) take none.
    Teradata locks its own rows and keeps its own watermarks. -#}
{% macro begin_run() -%}
  {%- if is_writing_duckdb() -%}select take_writer_lock('dbt {{ flags.WHICH }}');
    select check_setting(setting_name, setting_value) from {{ source('warehouse', 'settings') }};
    {{ open_watermarks() }}{%- endif -%}
{%- endmacro %}

{#- on-run-end. Where nothing succeeded (no lock, other settings) there is nothing to keep. -#}
{% macro end_run(results) -%}
  {%- if is_writing_duckdb() and results | selectattr('status', 'equalto', 'success') | list -%}{{ keep_watermarks() }}{%- endif -%}
{%- endmacro %}

{% macro is_writing_duckdb() -%}
  {{ return(target.type == 'duckdb' and target.name != 'offline' and flags.WHICH in ('run', 'build')) }}
{%- endmacro %}
