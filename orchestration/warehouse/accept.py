"""`make accept`: a person closes an object that cannot be read."""

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of


def accept(settings: Settings, dbt: Dbt, key: str, why: str) -> int:
    """Close the unreadable object under `key`, with the reason; return how many versions it had.

    Raises:
        SettingsError: no unreadable object has this key, or the reason is empty.
    """
    if not why.strip():
        raise SettingsError("say why the object is accepted: make accept KEY=… WHY='…'")
    count = engine_of(settings).accept(dbt, key, why)
    if not count:
        raise SettingsError(
            f'no unreadable object has the key {key}: `make sql Q="select object_key, read_error '
            "from audit.landed_objects where status = 'unreadable'\"` lists those that are"
        )
    return count
