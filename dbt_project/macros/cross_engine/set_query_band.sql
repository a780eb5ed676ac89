{#- The adapter for Teradata calls it before each node. The run is not in the profile's query band: with
    another profile dbt parses the whole project again at each start. -#}
{% macro set_query_band() -%}
  {%- do run_query("set query_band = 'run=" ~ invocation_id ~ ";model=" ~ model.name ~ ";' update for session;") -%}
{%- endmacro %}
