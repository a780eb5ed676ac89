{#- begin_run(): on-run-start. One writer at a time: a dbt run that writes takes the lock that
    `make load` takes, and refuses with a sentence while another process holds it. Readers
    (dbt test, docs) take none. Teradata locks its own rows. -#}
{% macro begin_run() -%}
  {%- if target.type == 'duckdb' and target.name != 'offline' and flags.WHICH in ('run', 'build', 'seed', 'retry', 'clone') -%}
    select take_writer_lock('dbt {{ flags.WHICH }}')
  {%- endif -%}
{%- endmacro %}
