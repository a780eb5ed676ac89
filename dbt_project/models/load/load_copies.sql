-- The batch's lines whose event has the hash of another line, in the batch or loaded before: the
-- candidates of rule 5 in load_duplicates.
{{ config(index=primary_index(['object_number', 'line_number'])) }}
{%- set topics = ['clickstream', 'sku_availability', 'dead_letters'] %}

with was_loaded as (
    {%- for topic in topics %}
    select distinct {{ topic_name(topic) }} as topic, {{ topic }}_hashes.event_hash
    from (select event_hash from {{ ref(load_models()[topic]) }}) as {{ topic }}_hashes
    inner join ({{ loaded_events(topic, ['event_hash']) }}) as {{ topic }}_loaded
        on {{ topic }}_hashes.event_hash = {{ topic }}_loaded.event_hash
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

recurring as (
    select topic, event_hash, 1 as is_loaded from was_loaded
    {%- for topic in topics %}
    union all
    select {{ topic_name(topic) }}, event_hash, 0
    from {{ ref(load_models()[topic]) }}
    where problem is null and is_late = 0
    group by event_hash
    having count(*) > 1
    {%- endfor %}
),

met as (
    select topic, event_hash, cast(max(is_loaded) as smallint) as is_loaded from recurring group by topic, event_hash
)

{%- for topic in topics %}
select
    met.topic, {{ topic }}_lines.object_number, {{ topic }}_lines.line_number,
    {{ topic }}_lines.kafka_partition, {{ topic }}_lines.kafka_offset, {{ topic }}_lines.arrived_at,
    {{ no_event_date() if topic == 'dead_letters' else topic ~ '_lines.event_date' }} as event_date,
    {{ topic }}_lines.event_ts, {{ topic }}_lines.event_id, {{ topic }}_lines.event_hash, met.is_loaded
from (select * from {{ ref(load_models()[topic]) }} where problem is null and is_late = 0) as {{ topic }}_lines
inner join met on {{ topic }}_lines.event_hash = met.event_hash and met.topic = '{{ topic }}'
{{ 'union all' if not loop.last }}
{%- endfor %}
