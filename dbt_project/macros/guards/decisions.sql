{#- User decisions on the warehouse, as run-operations: on Teradata the commands call them.
      request_replay        request a replay of every late event not replayed yet, by the next run
      accept_object         close an unreadable object, with the reason
      run_all               run these statements, each a request (orchestration/erasure)
      accept_offsets        close the missing offsets within a range, with the reason -#}
{% macro request_replay() %}
  {%- do run_query("update " ~ source('earlier_audit', 'late_events') ~ " set replay_requested_at = " ~ clock() ~ " where replayed_at is null") -%}
{% endmacro %}

{% macro run_all(statements) %}
  {%- for statement in statements -%}{%- do run_query(statement) -%}{%- endfor -%}
{% endmacro %}

{% macro accept_object(key, why) %}
  {%- do run_query("update " ~ source('earlier_audit', 'landed_objects') ~ " set status = 'accepted', accepted_why = " ~ literal(why)
      ~ " where object_key = " ~ literal(key) ~ " and status = 'unreadable'") -%}
{% endmacro %}

{% macro accept_offsets(topic, partition, first, last, why) %}
  {%- call statement('accept_offsets') -%}
    insert into {{ source('bookkeeping', 'accepted_offsets') }} (topic, kafka_partition, era, first_offset, last_offset, accepted_why)
    select topic, kafka_partition, era, first_offset, last_offset, cast({{ literal(why) }} as {{ text_type(1024) }})
    from {{ ref('missing_offsets') }}
    where topic = {{ literal(topic) }} and kafka_partition = {{ partition }} and accepted_why is null
        and first_offset >= {{ first }} and last_offset <= {{ last }}
  {%- endcall -%}
{% endmacro %}
