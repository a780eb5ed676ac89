{#- known_ranges(): the ranges of positions that were read before this batch, as far as the batch's own
    ranges of offsets can meet them: of each audited object, and of the lines that a killed load had
    staged or set aside without an audit row. -#}
{% macro known_ranges() -%}
  {%- set audited = last_load('landed_objects') -%}
  {%- for topic, model in load_models().items() %}
    select topic, lowest_partition, highest_partition, lowest_offset, highest_offset, lowest_arrival, highest_arrival
    from {{ source('earlier_audit', 'landed_objects') }}
    where topic = '{{ topic }}' and {{ meets_batch(model, 'kafka_offset', 'lowest_offset', 'highest_offset') }}
    union all
  {%- endfor %}
    select
        topic, min(kafka_partition) as lowest_partition, max(kafka_partition) as highest_partition,
        min(kafka_offset) as lowest_offset, max(kafka_offset) as highest_offset,
        min(arrived_at) as lowest_arrival, max(arrived_at) as highest_arrival
    from (
        {%- for topic in load_models() %}
        select {{ topic_name(topic) }} as topic, kafka_partition, kafka_offset, arrived_at
        from {{ staged_positions(topic) }}
        where load_id > {{ audited }}
        union all
        {%- endfor %}
        select topic, kafka_partition, kafka_offset, arrived_at
        from {{ source('earlier_audit', 'late_events') }}
        where load_id > {{ audited }}
        union all
        select topic, kafka_partition, kafka_offset, arrived_at
        from {{ source('earlier_audit', 'quarantined_lines') }}
        where load_id > {{ audited }} and kafka_offset is not null
    ) as unaudited
    group by topic
{%- endmacro %}

{#- load_models(): the model of the batch's lines, per topic. -#}
{% macro load_models() -%}
  {{ return({
      'clickstream': 'load_clickstream',
      'sku_availability': 'load_availability',
      'product_catalog': 'load_catalog',
      'dead_letters': 'load_dead_letters',
  }) }}
{%- endmacro %}

{#- staged_positions(topic): the table that holds the topic's accepted lines, with kafka_partition,
    kafka_offset, arrived_at and load_id. Read by name: a ref would be a cycle. -#}
{% macro staged_positions(topic) -%}
  {%- if topic == 'dead_letters' -%}
    (
            select letter_partition as kafka_partition, letter_offset as kafka_offset, letter_arrived_at as arrived_at, load_id
            from {{ source('earlier_audit', 'dead_letters') }}
        ) as staged_letters
  {%- else -%}
    {{ source('earlier_staging', {
        'clickstream': 'stg_clickstream__events',
        'sku_availability': 'stg_availability__stock_changes',
        'product_catalog': 'stg_catalog__skus',
    }[topic]) }}
  {%- endif -%}
{%- endmacro %}

{#- within_batch(model, column, staged, where): a literal range of the batch's values for the staged
    column (by default of the same name), so that staged files outside it are never opened.
    meets_batch(model, column, lowest, highest): the same for a staged range of values.
    No range while there is no batch yet. -#}
{% macro within_batch(model_name, column, staged=none, where=none) -%}
  {{ return(meets_batch(model_name, column, staged or column, staged or column, where)) }}
{%- endmacro %}

{% macro meets_batch(model_name, column, lowest, highest, where=none) -%}
  {%- if not execute or load_relation(ref(model_name)) is none -%}{{ return('1 = 1') }}{%- endif -%}
  {%- set query %}select min({{ column }}), max({{ column }}) from {{ ref(model_name) }}{{ ' where ' ~ where if where }}{% endset -%}
  {%- set found = run_query(query).rows[0] -%}
  {%- if found[0] is none -%}{{ return('1 = 0') }}{%- endif -%}
  {%- set low = literal(found[0]) if found[0].year is defined else found[0] -%}
  {%- set high = literal(found[1]) if found[1].year is defined else found[1] -%}
  {%- set range %}{{ highest }} >= {{ low }} and {{ lowest }} <= {{ high }}{% endset -%}
  {{ return(range) }}
{%- endmacro %}
