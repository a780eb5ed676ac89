{#- landed_listing(): the landed objects that may be new: topic, folder_hour, object_key,
    object_size (bytes), etag, listed_at; with a list_error, what is no object (DuckDB).

    The start is per topic: topics progress independently. A folder ahead of
    the clock never moves it. TWIST_SWEEP=1 lists all days that late events can reach, and so does
    the first load of each UTC day; TWIST_SWEEP=all lists everything.
    DuckDB: lake_list (ingestion/lake/landed_objects.py), one folder level at a time.
    Teradata: READ_NOS with NOSREAD_KEYS over the same folders. -#}
{% macro landed_listing() -%}
  {{ return(adapter.dispatch('landed_listing', 'twist')()) }}
{%- endmacro %}

{% macro default__landed_listing() %}{{ unsupported_engine('landed_listing') }}{% endmacro %}

{% macro duckdb__landed_listing() %}
with topics as (
    select unnest({{ landed_topics() }}) as topic
),

audited as (
    select
        topic, max(folder_hour) as newest_folder_hour,
        max(case when status = 'loaded' then audited_at end) as audited_at
    from {{ source('earlier_audit', 'landed_objects') }}
    where folder_hour <= {{ clock() }}
    group by topic
),

reached as (
    select
        topics.topic,
        case when newest_folder_hour < timestamp '1970-01-02' then timestamp '1970-01-02' else newest_folder_hour end
            - interval '{{ setting('landing_slack_hours') }}' hour as since,
        date_trunc('day', {{ clock() }}) - interval '{{ setting('late_days') + 1 }}' day as late_from,
        cast(max(audited.audited_at) over () as date) < cast({{ clock() }} as date) or '{{ setting('sweep') }}' = '1' as sweeps
    from topics
    left join audited on topics.topic = audited.topic
),

-- A topic of which nothing was audited has no start: all of its folders are listed.
starts as (
    select
        topic,
        case when '{{ setting('sweep') }}' = 'all' then null when sweeps and since > late_from then late_from else since end as since
    from reached
),

listed as (
    select unnest(lake_list(topic, strftime(since, '%Y-%m-%dT%H:%M:%S'))) as landed
    from starts
)

select
    landed.topic, landed.folder_hour, landed.object_key, landed.object_size, landed.etag,
    landed.list_error, {{ clock() }} as listed_at
from listed
{% endmacro %}

{#- NOS lists by prefix: day by day for a few days, the whole topic for many days or if nothing was
    audited yet. Tomorrow is included, for producers whose clock is ahead. Its modification time
    and size distinguish a rewritten object from the previous one. -#}
{% macro teradata__landed_listing() %}
{%- set ns = namespace(first=true) %}
{%- for topic, since, days in teradata_days_to_list() %}
{%- for day in days %}
{{ '' if ns.first else 'union all' }}{% set ns.first = false %}
select
    {{ topic_name(topic) }} as topic,
    {{ teradata_folder_hour() }} as folder_hour,
    cast(object_key as {{ text_type(1024) }}) as object_key,
    cast(objectlength as bigint) as object_size,
    cast(trim(cast({{ seconds_between("timestamp '2000-01-01 00:00:00'", 'objecttimestamp') }} as {{ text_type(20) }})) || '-' || trim(cast(objectlength as {{ text_type(20) }})) as {{ text_type(128) }}) as etag,
    cast(null as {{ text_type(512) }}) as list_error,
    {{ clock() }} as listed_at
from (
    select objecttimestamp, objectlength, substring(location from position('/topics/' in location) + 1) as object_key
    from read_nos (
        using location('{{ setting('teradata_landing') }}/topics/{{ topic }}/{{ day }}')
        authorization({{ target.schema }}_landing.landing_access)
        returntype('NOSREAD_KEYS')
    ) as listed_{{ topic }}_{{ loop.index }}
) as {{ topic }}_{{ loop.index }}
where regexp_similar(object_key, 'topics/{{ topic }}/dt=[0-9]{4}-[0-9]{2}-[0-9]{2}/hour=([01][0-9]|2[0-3])/[^/]*[.]json[.]gz', 'c') = 1
    and {{ teradata_folder_hour() }} is not null
    {%- if since %}
    and {{ teradata_folder_hour() }} >= {{ literal(since) }}
    {%- endif %}
{%- endfor %}
{%- endfor %}
{% endmacro %}

{#- The hour of a key's folder; null for an invalid day. -#}
{% macro teradata_folder_hour() -%}
  trycast(substring(object_key from position('/dt=' in object_key) + 4 for 10) || ' ' || substring(object_key from position('/hour=' in object_key) + 6 for 2) || ':00:00' as timestamp(6))
{%- endmacro %}

{#- Per topic: (topic, since or none, the prefixes to list). -#}
{% macro teradata_days_to_list() -%}
  {%- set newest, ns = {}, namespace(now=none, audited=none) -%}
  {%- if execute and load_relation(source('earlier_audit', 'landed_objects')) is not none -%}
    {%- set query %}
select
    topic, max(case when folder_hour <= {{ clock() }} then folder_hour end) as newest,
    max(case when status = 'loaded' then audited_at end) as audited_at, {{ clock() }} as asked_at
from {{ source('earlier_audit', 'landed_objects') }}
group by topic
    {%- endset -%}
    {%- set found = run_query(query) -%}
    {%- for row in found.rows -%}
      {%- do newest.update({row[0]: row[1]}) -%}
      {%- set ns.now = row[3] -%}
      {%- if row[2] and (ns.audited is none or row[2] > ns.audited) -%}{%- set ns.audited = row[2] -%}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set lists, hours = [], modules.datetime.timedelta(hours=1) -%}
  {%- for topic in landed_topics() -%}
    {%- set since = none -%}
    {%- if newest.get(topic) and setting('sweep') != 'all' -%}
      {%- set since = [newest[topic], modules.datetime.datetime(1970, 1, 2)] | max - hours * setting('landing_slack_hours') -%}
      {%- if ns.audited is none or ns.audited.date() < ns.now.date() or setting('sweep') == 1 -%}
        {%- set since = [since, ns.now.replace(hour=0, minute=0, second=0, microsecond=0) - hours * 24 * (setting('late_days') + 1)] | min -%}
      {%- endif -%}
    {%- endif -%}
    {%- set days = [] -%}
    {%- if since and (ns.now - since).days <= 10 -%}
      {%- for number in range((ns.now.date() - since.date()).days + 2) -%}
        {%- do days.append((since + hours * 24 * number).strftime('dt=%Y-%m-%d/')) -%}
      {%- endfor -%}
    {%- endif -%}
    {%- do lists.append((topic, since, days or [''])) -%}
  {%- endfor -%}
  {{ return(lists) }}
{%- endmacro %}
