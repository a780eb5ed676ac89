{#- How Teradata stores a table. DuckLake ignores these configs and has its own: the config
    `partitioned_by` keeps each day's rows in separate files, so that a cycle opens no other days
    (without it, a first load of many days mixed them); of staged events, each kind's.

    primary_index(columns, day, each)
        for the config `index`: rows go to AMPs by the hash of `columns`, which are the merge key, so
        a MERGE joins on the AMP of the row (and Teradata requires all of them in a MERGE).
        `day` is a date or timestamp column by which each AMP partitions its rows: a bound on it
        reads no other days. The partitions reach to 2049; NO RANGE holds everything outside.
    collect_statistics()
        post-hook of every permanent table on Teradata: statistics of its key (or of the config `statistics`)
        and its partitions. Teradata skips what has changed too little to matter (SYSTEM
        THRESHOLD), so this may run after every run. DuckDB maintains statistics automatically. -#}
{% macro primary_index(columns, day=none, kind='date') -%}
  {%- set text = 'primary index (' ~ columns | join(', ') ~ ')' -%}
  {%- if day -%}
    {%- set midnight = ' 00:00:00' if kind == 'timestamp' else '' -%}
    {%- set last = ' 23:59:59.999999' if kind == 'timestamp' else '' -%}
    {%- set text = text ~ " partition by range_n (" ~ day ~ " between " ~ kind ~ " '2020-01-01" ~ midnight ~ "' and "
        ~ kind ~ " '2049-12-31" ~ last ~ "' each interval '1' day, no range or unknown)" -%}
  {%- endif -%}
  {{ return(text) }}
{%- endmacro %}

{% macro collect_statistics() -%}
  {%- set columns = model.config.get('statistics') or model.config.get('unique_key') or [] -%}
  {%- if model.config.materialized == 'incremental' and columns -%}
    {%- set all = (['partition'] if 'partition by' in model.config.get('index', '') else []) + columns -%}
    collect statistics using system threshold for current column ({{ all | join('), column (') }}) on {{ this }}
  {%- endif -%}
{%- endmacro %}
