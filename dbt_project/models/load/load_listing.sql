-- What lies in the landing lake from each topic's newest audited folder on, less the slack; once a
-- UTC day (and when asked to sweep) every folder of the days that late events can still reach.
{{ config(index=primary_index(['object_key'])) }}

{{ landed_listing() }}
