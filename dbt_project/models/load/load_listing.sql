-- The objects in the landing lake from each topic's newest audited folder on, minus the slack; once
-- a UTC day (and on a sweep) from every folder of the days that late events can still reach.
{{ config(index=primary_index(['object_key'])) }}

{{ landed_listing() }}
