{#- on-run-start. One writer at a time: a dbt run that writes takes the lock that `make load` takes,
    and fails with a message while another process holds it. Readers (dbt test, docs) take none.
    Teradata locks rows itself and updates watermarks directly; there the hook is one query, which
    fails if the session is not in UTC or a setting is not the one the warehouse was built with. -#}
{% macro begin_run() -%}
  {%- if target.type == 'teradata' and target.tmode != 'ANSI' -%}
    {{ exceptions.raise_compiler_error("tmode is " ~ target.tmode ~ ": only ANSI sessions keep what this project relies on (case, MULTISET, errors instead of cuts)") }}
  {%- elif target.type == 'teradata' and flags.WHICH in ('run', 'build') -%}
    {{ teradata_refuse_other_settings() }}
  {%- endif -%}
  {%- if is_writing_duckdb() -%}select take_writer_lock('dbt {{ flags.WHICH }}');
    select check_setting(setting_name, setting_value) from {{ source('warehouse', 'settings') }};
    {{ open_watermarks() }}{%- endif -%}
{%- endmacro %}

{#- on-run-end. If nothing succeeded (no lock, other settings), there is nothing to store. -#}
{% macro end_run(results) -%}
  {%- if is_writing_duckdb() and results | selectattr('status', 'equalto', 'success') | list -%}{{ keep_watermarks() }}{%- endif -%}
{%- endmacro %}

{% macro is_writing_duckdb() -%}
  {{ return(target.type == 'duckdb' and target.name != 'offline' and flags.WHICH in ('run', 'build')) }}
{%- endmacro %}

{#- A text that is not a number makes the CAST fail, and Teradata's message gives no reason: the
    commands (orchestration/warehouse) check first and report it as a sentence. -#}
{% macro teradata_refuse_other_settings() -%}
select sum(cast(complaint as integer)) as complaints
from (
    select case
        when extract(timezone_hour from current_timestamp) <> 0 or extract(timezone_minute from current_timestamp) <> 0 then 'the session is not in UTC'
        {%- for name in ['late_days', 'bot_patterns', 'bot_exceptions', 'min_sellable_qty'] %}
        when setting_name = '{{ name }}' and setting_value <> '{{ setting(name) }}' then 'the warehouse was built with another {{ name }}'
        {%- endfor %}
        else '0'
    end as complaint
    from {{ source('warehouse', 'settings') }}
) as checked
{%- endmacro %}
