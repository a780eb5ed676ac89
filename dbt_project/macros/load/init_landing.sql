{#- dbt run-operation init_landing (Teradata): the foreign tables over the landing lake. Each reads a
    topic's files as text, one row per line: NOS's own JSON silently skips a line it cannot parse.
    The field delimiter is a control character, which no JSON line may contain, so that a line is
    never split. A DBA creates the authorization `<prefix>_landing.landing_access` (docs/teradata.md).
    Safe to run again. -#}
{% macro init_landing() %}
  {%- for topic in landed_topics() -%}
    {%- set relation = source('landing', 'landing_' ~ topic) -%}
    {%- set existing = run_query("select tablename from dbc.tablesv where databasename = '" ~ relation.schema
        ~ "' and tablename = '" ~ relation.identifier ~ "'") -%}
    {%- if not existing.rows -%}{%- do run_query(create_foreign_table(relation, topic)) -%}{%- endif -%}
  {%- endfor -%}
{% endmacro %}

{% macro create_foreign_table(relation, topic) %}
  {%- set folders = [] -%}
  {%- for folder in setting('teradata_landing').split('/')[3:] if folder -%}
    {%- do folders.append('$root' ~ loop.index) -%}
  {%- endfor %}
create multiset foreign table {{ relation }},
external security {{ relation.schema }}.landing_access
(
    location varchar(2048) character set unicode casespecific,
    raw_line varchar(32000) character set unicode casespecific
)
using (
    location('{{ setting('teradata_landing') }}/topics/{{ topic }}/')
    pathpattern('{{ (folders + ['$topics', '$topic', '$dt', '$hour', '$file']) | join('/') }}')
    rowformat('{"field_delimiter":"\u0001","record_delimiter":"\n","character_set":"UTF8"}')
    storedas('TEXTFILE')
    header('FALSE')
)
no primary index
{% endmacro %}
