{#- User decisions on the warehouse, as run-operations: on Teradata the commands call them.
      request_replay        request a replay of every late event not replayed yet, by the next run
      accept_object         close an unreadable object, with the reason
      run_all               run these statements, each a request (orchestration/erasure)
      accept_offsets        close a range of missing offsets, with the reason -#}
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
  {%- do run_query("insert into " ~ source('bookkeeping', 'accepted_offsets') ~ " (topic, kafka_partition, first_offset, last_offset, accepted_why) values ("
      ~ literal(topic) ~ ", " ~ partition ~ ", " ~ first ~ ", " ~ last ~ ", " ~ literal(why) ~ ")") -%}
{% endmacro %}
