{#- topic_fields(topic): the fields of a topic, as in ingestion/contract/schemas/<topic>.json (a
    test compares the two). Per field: name, type (text, timestamp, integer, number,
    boolean), required, length in characters, cut (longer text is cut, not refused), allowed. -#}
{% macro topic_fields(topic) -%}
  {%- set fields = {
    'clickstream': [
      {'name': 'event_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'event_type', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'event_ts', 'type': 'timestamp', 'required': true},
      {'name': 'session_id', 'type': 'text', 'length': 128},
      {'name': 'visitor_id', 'type': 'text', 'length': 128},
      {'name': 'channel', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'fulfilment', 'type': 'text', 'allowed': ['ship', 'pickup']},
      {'name': 'store_id', 'type': 'text', 'length': 128},
      {'name': 'style_id', 'type': 'text', 'length': 128, 'required_if': "event_type = 'product_view'"},
      {'name': 'sku_id', 'type': 'text', 'length': 128},
      {'name': 'quantity', 'type': 'integer', 'minimum': 1, 'maximum': 10000},
      {'name': 'order_id', 'type': 'text', 'length': 128},
      {'name': 'url', 'type': 'text', 'cut': 2048},
      {'name': 'referrer', 'type': 'text', 'cut': 2048},
      {'name': 'user_agent', 'type': 'text', 'cut': 2048},
    ],
    'sku_availability': [
      {'name': 'event_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'sku_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'location_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'available_qty', 'type': 'integer', 'minimum': -1000000000, 'maximum': 1000000000, 'required': true},
      {'name': 'event_ts', 'type': 'timestamp', 'required': true},
      {'name': 'reason', 'type': 'text', 'length': 128},
    ],
    'product_catalog': [
      {'name': 'sku_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'style_id', 'type': 'text', 'length': 128, 'required': true},
      {'name': 'brand', 'type': 'text', 'length': 256},
      {'name': 'department', 'type': 'text', 'length': 256},
      {'name': 'category', 'type': 'text', 'length': 256},
      {'name': 'color', 'type': 'text', 'length': 256},
      {'name': 'size', 'type': 'text', 'length': 256},
      {'name': 'price', 'type': 'number'},
      {'name': 'currency', 'type': 'text', 'length': 128},
      {'name': 'size_share', 'type': 'number', 'above': 0, 'maximum': 1},
      {'name': 'is_active', 'type': 'boolean', 'required': true},
      {'name': 'event_ts', 'type': 'timestamp', 'required': true},
    ],
    'dead_letters': [
      {'name': 'origin_topic', 'type': 'text', 'length': 64, 'required': true},
      {'name': 'origin_partition', 'type': 'integer', 'minimum': 0, 'maximum': 2147483647, 'required': true},
      {'name': 'origin_offset', 'type': 'integer', 'minimum': 0, 'maximum': 9223372036854775807, 'required': true},
      {'name': 'reason', 'type': 'text', 'length': 512, 'required': true},
      {'name': 'raw_value', 'type': 'text', 'cut': 32000},
      {'name': 'event_ts', 'type': 'timestamp', 'required': true},
    ],
  } -%}
  {{ return(fields[topic]) }}
{%- endmacro %}
