{#- create_foreign_table(topic), on Teradata: the foreign table over a topic's files, if it is missing.
    It reads them as text, one row per line: NOS's own JSON silently skips a line it cannot parse.
    The field delimiter is a control character, which no JSON line may contain, so that a line is
    never split. A DBA creates the authorization `<prefix>_landing.landing_access` (docs/teradata.md);
    sources differ on the kind of object that a foreign table takes, so TWIST_TERADATA_AUTHORIZATION
    chooses, and a probe tells.

    path_pattern()   names the folders of a key, which NOS counts from the bucket: behind the host,
                     or behind the bucket where that is a folder of the location -#}
{% macro create_foreign_table(topic) %}
  {%- set relation = source('landing', 'landing_' ~ topic) -%}
  {%- set query %}select tablename from dbc.tablesv where databasename = '{{ relation.schema }}' and tablename = '{{ relation.identifier }}'{% endset -%}
  {%- if not run_query(query).rows -%}{%- do run_query(foreign_table(relation, topic)) -%}{%- endif -%}
{% endmacro %}

{% macro path_pattern() -%}
  {%- set folders = [] -%}
  {%- for folder in setting('teradata_landing').split('/')[4 if setting('teradata_bucket') else 3:] if folder -%}
    {%- do folders.append('$root' ~ loop.index) -%}
  {%- endfor -%}
  {{ return((folders + ['$topics', '$topic', '$dt', '$hour', '$file']) | join('/')) }}
{%- endmacro %}

{% macro foreign_table(relation, topic) %}
create multiset foreign table {{ relation }},
external security {{ 'definer trusted table_access' if setting('teradata_authorization') == 'definer' else relation.schema ~ '.landing_access' }}
(
    location varchar(2048) character set unicode casespecific,
    raw_line varchar(32000) character set unicode casespecific
)
using (
    location('{{ setting('teradata_landing') }}/topics/{{ topic }}/')
    pathpattern('{{ path_pattern() }}')
    rowformat('{"field_delimiter":"\u0001","record_delimiter":"\n","character_set":"UTF8"}')
    storedas('TEXTFILE')
    header('FALSE')
)
no primary index
{% endmacro %}
