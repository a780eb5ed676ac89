-- Warns for a day of each copy that was found: the first copy loaded counts.
{{ config(severity='warn') }}
select topic, event_id, reason, object_key, line_number
from {{ ref('conflicting_copies') }}
where found_at > {{ clock() }} - interval '1' day
