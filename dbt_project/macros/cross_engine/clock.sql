{#- clock(): now, in UTC, as a timestamp without zone. Both sessions run in UTC (the plugin and the
    Teradata profile see to it). -#}
{% macro clock() -%} cast(current_timestamp as timestamp(6)) {%- endmacro %}
