-- Red until each of them loads or `make accept` closes it.
select object_key, read_error, audited_at from {{ ref('landed_objects') }} where status = 'unreadable'
