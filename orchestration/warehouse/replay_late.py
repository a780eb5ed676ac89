"""`make replay-late`: load the late events that were set aside."""

from collections.abc import Callable

from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport


def replay_late(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> tuple[int, LoadReport]:
    """Stage the late events set aside so far and compute what they change.

    The request is stored first: if this process is killed, the next load completes it.

    Returns:
        How many events were replayed, and the load's report.
    """
    engine = engine_of(settings)
    engine.require_landing()
    engine.prepare(dbt)
    replayed = (
        f"select count(*) from {engine.relation('audit', 'late_events')} "
        "where replayed_at is not null"
    )
    ((before,),) = dbt.query(replayed)
    engine.request_replay(dbt)
    report = load(settings, dbt, say)
    ((after,),) = dbt.query(replayed)
    return int(after) - int(before), report
