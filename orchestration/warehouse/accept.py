"""`make accept`: a person closes an object that cannot be read, or offsets that are missing."""

import re
from typing import NamedTuple

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of

_OFFSETS = re.compile(r"(clickstream|sku_availability)/([0-9]{1,10})/([0-9]{1,19})-([0-9]{1,19})")


class OffsetRange(NamedTuple):
    """Offsets of a partition, the last one included."""

    topic: str
    partition: int
    first: int
    last: int


def accept(settings: Settings, dbt: Dbt, key: str, why: str) -> int:
    """Close what `key` names, with the reason; return how many rows of the audit that closes.

    Args:
        settings: The warehouse.
        dbt: Its dbt.
        key: An unreadable object's key, or offsets as topic/partition/first-last.
        why: The reason.

    Raises:
        SettingsError: nothing like that is open, or the reason is empty.
    """
    if not why.strip():
        raise SettingsError("say why the object is accepted: make accept KEY=… WHY='…'")
    engine = engine_of(settings)
    if found := _OFFSETS.fullmatch(key):
        offsets = OffsetRange(found[1], int(found[2]), int(found[3]), int(found[4]))
        count = engine.accept_offsets(dbt, offsets, why)
        none = f"no missing offsets lie within {key}"
        those = "* from audit.missing_offsets where accepted_why is null"
    else:
        count = engine.accept(dbt, key, why)
        none = f"no unreadable object has the key {key}"
        those = "object_key, read_error from audit.landed_objects where status = 'unreadable'"
    if not count:
        raise SettingsError(f'{none}: `make sql Q="select {those}"` lists those that are open')
    return count
