"""`make replay-late`: each late event in its place, once."""

from collections.abc import Callable

from ingestion.lake import landed_objects
from ingestion.settings import Settings
from orchestration.warehouse import prepare, teradata, writer_lock
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport


def replay_late(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> tuple[int, LoadReport]:
    """Stage the late events set aside so far and compute what they change.

    The wish is written down first: if this is killed, the next load carries on with it.

    Returns:
        How many events were staged (others stood there already), and the load's report.
    """
    if settings.target == "teradata":
        return teradata.replay_late(settings, dbt, say)
    landed_objects.open_store(settings)
    writer_lock.take(settings.warehouse_root)
    prepare.prepare(settings, dbt)
    dbt.query(
        "update twist.audit.late_events set replay_requested_at = current_timestamp::timestamp "
        "where replayed_at is null"
    )
    before = _replayed(dbt)
    report = load(settings, dbt, say)
    return _replayed(dbt) - before, report


def _replayed(dbt: Dbt) -> int:
    count: int = dbt.query(
        "select count(*) from twist.audit.late_events where replayed_at is not null"
    )[0][0]
    return count
