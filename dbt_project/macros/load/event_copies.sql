{#- Rule 5 of load_duplicates, in two parts that the models load_copies and load_duplicates read.

    loaded_events(topic, columns)   the events loaded before, of the days (dead letters: of the offsets)
                                    that the batch holds
    loaded_copies(lines, column)    the lines of a CTE whose event was loaded before, compared by day,
                                    id and one more column -#}
{% macro loaded_copies(lines, column) -%}
  {%- for topic in ['clickstream', 'sku_availability', 'dead_letters'] %}
    {%- set loaded = topic ~ '_by_' ~ column %}
    select {{ lines }}.topic, {{ lines }}.object_number, {{ lines }}.line_number
    from {{ lines }}
    inner join ({{ loaded_events(topic, ['event_date', column, 'event_id']) }}) as {{ loaded }}
        on {{ lines }}.event_date = {{ loaded }}.event_date and {{ lines }}.{{ column }} = {{ loaded }}.{{ column }}
            and {{ lines }}.event_id = {{ loaded }}.event_id
    where {{ lines }}.topic = '{{ topic }}'
    {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{% macro loaded_events(topic, columns) -%}
  {%- set letters = 'letters_of_' ~ (columns | length) ~ columns[1:2] | join -%}
  {%- if topic == 'dead_letters' -%}
    select event_date, event_ts, event_id, {{ event_hash('event_id') }} as event_hash
    from (
        select {{ no_event_date() }} as event_date, failed_at as event_ts, {{ origin_event_id('topic', 'kafka_partition', 'kafka_offset', 'raw_line') }} as event_id
        from {{ source('earlier_audit', 'dead_letters') }}
        where {{ within_batch('load_dead_letters', 'origin_offset', 'kafka_offset') }}
    ) as {{ letters }}
  {%- else -%}
    select {{ columns | join(', ') }}
    from {{ staged_positions(topic) }}
    where {{ within_batch(load_models()[topic], 'event_date', where='problem is null and is_late = 0') }}
  {%- endif -%}
{%- endmacro %}

{#- A restarted connector sends a record to the dead letters again: the event of such a letter is
    identified by the position and the value of that record, whenever it failed. Of a topic that was made
    anew another record may have the position. -#}
{% macro origin_event_id(topic, partition, offset, value) -%}
  cast({{ topic }} || ':' || cast({{ partition }} as {{ text_type(20) }}) || ':' || cast({{ offset }} as {{ text_type(20) }}) || ':'
      || cast({{ event_hash("coalesce(" ~ value ~ ", '')") }} as {{ text_type(20) }}) as {{ text_type(128) }})
{%- endmacro %}

{% macro no_event_date() -%} date '2000-01-01' {%- endmacro %}
