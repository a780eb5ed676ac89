{#- landed_topics(): the topics that land in the lake. -#}
{% macro landed_topics() -%}
  {{ return(['clickstream', 'sku_availability', 'product_catalog', 'dead_letters']) }}
{%- endmacro %}

{#- topic_name(topic): the topic as a text of the column's length; with bare literals a union
    on Teradata would have the length of its first branch and truncate longer names. -#}
{% macro topic_name(topic) -%} cast('{{ topic }}' as {{ text_type(64) }}) {%- endmacro %}
