{#- hours_from_utc(view_hour): the hours that the wall clock of the setting `time_zone` is ahead of UTC in
    the hour `view_hour` (UTC). The engines' own zones have other names and other years of rules, so
    both get the changes from pytz, which dbt has: those of 2000 to 2037; later hours keep the last one.
    A zone that is not known, or is not whole hours from UTC in these years, is refused. -#}
{% macro hours_from_utc(view_hour) -%}
  {%- set name = setting('time_zone') | string -%}
  {%- if name not in modules.pytz.all_timezones_set -%}
    {{ exceptions.raise_compiler_error("TWIST_TIME_ZONE=" ~ name ~ " is no time zone: give an IANA name, such as Europe/Berlin") }}
  {%- endif -%}
  {%- set zone, a_week = modules.pytz.timezone(name), 168 -%}
  {%- set found = namespace(hour=modules.datetime.datetime(2000, 1, 1), seconds=seconds_from_utc(zone, modules.datetime.datetime(2000, 1, 1)) | int) -%}
  {%- set offsets = [(found.hour, found.seconds)] -%}
  {#- Two changes lie more than a week apart; the hour of one is found by halving. -#}
  {%- for week in range(52 * 38 + 30) if name != 'UTC' -%}
    {%- set next = found.hour + modules.datetime.timedelta(hours=a_week) -%}
    {%- if seconds_from_utc(zone, next) | int != found.seconds -%}
      {%- set at = namespace(low=0, high=a_week) -%}
      {%- for half in range(8) if at.high - at.low > 1 -%}
        {%- set middle = (at.low + at.high) // 2 -%}
        {%- if seconds_from_utc(zone, found.hour + modules.datetime.timedelta(hours=middle)) | int == found.seconds -%}
          {%- set at.low = middle -%}
        {%- else -%}
          {%- set at.high = middle -%}
        {%- endif -%}
      {%- endfor -%}
      {%- set found.seconds = seconds_from_utc(zone, next) | int -%}
      {%- do offsets.append((found.hour + modules.datetime.timedelta(hours=at.high), found.seconds)) -%}
    {%- endif -%}
    {%- set found.hour = next -%}
  {%- endfor -%}
  {%- for hour, seconds in offsets if seconds % 3600 -%}
    {{ exceptions.raise_compiler_error("TWIST_TIME_ZONE=" ~ name ~ " is " ~ seconds / 3600 ~ " hours from UTC since "
        ~ hour ~ ": the facts are by hour, so only a zone of whole hours can be its business day") }}
  {%- endfor -%}
  {%- if offsets | length == 1 -%}{{ return(found.seconds // 3600) }}{%- endif -%}
  case
    {%- for hour, seconds in offsets[1:] | reverse %}
    when {{ view_hour }} >= {{ literal(hour) }} then {{ seconds // 3600 }}
    {%- endfor %}
    else {{ offsets[0][1] // 3600 }}
  end
{%- endmacro %}

{% macro seconds_from_utc(zone, moment) -%}
  {{ modules.pytz.utc.localize(moment).astimezone(zone).utcoffset().total_seconds() | int }}
{%- endmacro %}
