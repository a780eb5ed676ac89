"""`make accept`: a person closes an object that cannot be read."""

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse import teradata, writer_lock
from orchestration.warehouse.attach import require_warehouse
from orchestration.warehouse.dbt_runner import Dbt


def accept(settings: Settings, dbt: Dbt, key: str, why: str) -> int:
    """Close the unreadable object under `key`, with the reason; return how many contents it had.

    Raises:
        SettingsError: no unreadable object has this key, or the reason is empty.
    """
    if not why.strip():
        raise SettingsError("say why the object is accepted: make accept KEY=… WHY='…'")
    count = (
        teradata.accept(settings, dbt, key, why)
        if settings.target == "teradata"
        else _close(settings, dbt, key, why)
    )
    if not count:
        raise SettingsError(
            f'no unreadable object has the key {key}: `make sql Q="select object_key, read_error '
            "from audit.landed_objects where status = 'unreadable'\"` lists those that are"
        )
    return count


def _close(settings: Settings, dbt: Dbt, key: str, why: str) -> int:
    require_warehouse(settings)
    writer_lock.take(settings.warehouse_root)
    closed = dbt.connection().execute(
        "update twist.audit.landed_objects set status = 'accepted', accepted_why = ? "
        "where object_key = ? and status = 'unreadable'",
        [why, key],
    )
    count: int = (closed.fetchone() or (0,))[0]
    return count
