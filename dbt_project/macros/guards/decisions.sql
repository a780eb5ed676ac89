{#- What a person decides about the warehouse, as run-operations: on Teradata the commands call them.
      request_replay        every late event that was not replayed yet is to be (the next run does it)
      accept_object         an unreadable object is closed, with the reason -#}
{% macro request_replay() %}
  {%- do run_query("update " ~ source('warehouse', 'late_events') ~ " set replay_requested_at = " ~ clock() ~ " where replayed_at is null") -%}
{% endmacro %}

{% macro accept_object(key, why) %}
  {%- do run_query("update " ~ source('warehouse', 'landed_objects') ~ " set status = 'accepted', accepted_why = " ~ literal(why)
      ~ " where object_key = " ~ literal(key) ~ " and status = 'unreadable'") -%}
{% endmacro %}
