{#- setting(name): a setting as a number or text: TWIST_<NAME> of the environment, else the var in
    dbt_project.yml. `begin_run` compares those that change the results with the warehouse. -#}
{% macro setting(name) -%}
  {%- set value = env_var('TWIST_' ~ name | upper, '') or var(name, 0) -%}
  {{ return((value | int) if (value | string).lstrip('-').isdigit() else value) }}
{%- endmacro %}
