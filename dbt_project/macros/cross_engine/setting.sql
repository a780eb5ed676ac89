{#- setting(name): a setting as a number or text: TWIST_<NAME> of the environment, else the var in
    dbt_project.yml. `begin_run` compares those that decide what the numbers mean with the warehouse. -#}
{% macro setting(name) -%}
  {%- set value = env_var('TWIST_' ~ name | upper, '') or var(name, 0) -%}
  {{ return((value | int) if (value | string).lstrip('-').isdigit() else value) }}
{%- endmacro %}
