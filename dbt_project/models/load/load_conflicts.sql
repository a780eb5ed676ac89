-- The batch's copies of events that differ from the copy that counts, though a producer must only
-- send equal ones, and in which fields. A copy of another moment was found by its id alone.
{{ config(index=primary_index(['object_number', 'line_number'])) }}

{%- set topics = ['clickstream', 'sku_availability'] %}

with duplicates as (
    select topic, object_number, line_number, duplicate_of from {{ ref('load_duplicates') }}
),
{% for topic in topics %}
{%- set columns = [] %}
{%- for field in topic_fields(topic) %}{% do columns.append('change_reason' if field.name == 'reason' else field.name) %}{% endfor %}
{%- set staging = {'clickstream': 'stg_clickstream__events', 'sku_availability': 'stg_availability__stock_changes'}[topic] %}
{#- A field that was just added to the topic is not staged yet. #}
{%- set staged = load_relation(source('earlier_staging', staging)) if execute %}
{%- if staged %}{% set columns = columns | select('in', column_names(staged)) | list %}{% endif %}
{{ topic }}_met as (
    select {{ topic }}_read.*
    from (select * from {{ ref(load_models()[topic]) }} where problem is null and is_late = 0) as {{ topic }}_read
    where event_hash in (select load_copies.event_hash from {{ ref('load_copies') }} where load_copies.topic = {{ topic_name(topic) }})
),

{{ topic }}_copies as (
    select {{ topic }}_met.*
    from {{ topic }}_met
    inner join duplicates
        on {{ topic }}_met.object_number = duplicates.object_number and {{ topic }}_met.line_number = duplicates.line_number
    where duplicates.topic = '{{ topic }}' and duplicates.duplicate_of = 'event'
),

{{ topic }}_copied as (
    select distinct event_date, event_ts, event_id from {{ topic }}_copies
),

{{ topic }}_staged as (
    select
        event_date
        {%- for column in columns %},
        {{ column }}
        {%- endfor %}
    from {{ staged_positions(topic) }}
    where {{ within_batch(load_models()[topic], 'event_date', where='problem is null and is_late = 0') }}
),

{{ topic }}_counted as (
    select {{ topic }}_staged.*
    from {{ topic }}_staged
    inner join {{ topic }}_copied
        on {{ topic }}_staged.event_date = {{ topic }}_copied.event_date
            and {{ topic }}_staged.event_ts = {{ topic }}_copied.event_ts
            and {{ topic }}_staged.event_id = {{ topic }}_copied.event_id
    union all
    select
        {{ topic }}_met.event_date
        {%- for column in columns %},
        {{ topic }}_met.{{ column }}
        {%- endfor %}
    from {{ topic }}_met
    inner join {{ topic }}_copied
        on {{ topic }}_met.event_date = {{ topic }}_copied.event_date
            and {{ topic }}_met.event_ts = {{ topic }}_copied.event_ts
            and {{ topic }}_met.event_id = {{ topic }}_copied.event_id
    left join duplicates
        on {{ topic }}_met.object_number = duplicates.object_number and {{ topic }}_met.line_number = duplicates.line_number
            and duplicates.topic = '{{ topic }}'
    where duplicates.topic is null
),

{{ topic }}_compared as (
    select
        {{ topic }}_copies.object_number, {{ topic }}_copies.line_number, {{ topic }}_copies.kafka_partition,
        {{ topic }}_copies.kafka_offset, {{ topic }}_copies.arrived_at, {{ topic }}_copies.event_date, {{ topic }}_copies.event_id,
        case when {{ topic }}_counted.event_id is null then ' event_ts' else '' end
        {%- for column in columns if column not in ['event_id', 'event_ts'] %}
        || case
            when {{ topic }}_counted.event_id is not null and {{ is_other(topic ~ '_copies.' ~ column, topic ~ '_counted.' ~ column) }}
                then ' {{ column }}'
            else ''
        end
        {%- endfor %} as differing
    from {{ topic }}_copies
    left join {{ topic }}_counted
        on {{ topic }}_copies.event_date = {{ topic }}_counted.event_date
            and {{ topic }}_copies.event_ts = {{ topic }}_counted.event_ts
            and {{ topic }}_copies.event_id = {{ topic }}_counted.event_id
){{ ',' if not loop.last }}
{% endfor %}
{%- for topic in topics %}
select
    {{ topic_name(topic) }} as topic, object_number, line_number, kafka_partition, kafka_offset, arrived_at, event_date, event_id,
    cast('differs from the copy that counts in:' || differing as {{ text_type(512) }}) as reason
from {{ topic }}_compared
where differing <> ''
{{ 'union all' if not loop.last }}
{%- endfor %}
