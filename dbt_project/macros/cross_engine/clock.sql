{#- clock(): now, in UTC, as a timestamp without zone. Both sessions run in UTC (set by the plugin
    and for the Teradata user). -#}
{% macro clock() -%} cast(current_timestamp as timestamp(6)) {%- endmacro %}
