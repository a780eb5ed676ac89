"""What other programs have loaded, as observations: when each table was loaded last, and by whom.

Dagster reports its own loads as materializations. A table that `make load` or `make demo` filled
shows these instead, from the warehouse's audit; so the graph is true from the first minute on.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg

from ingestion.contract.topics import LANDED_TOPICS
from ingestion.settings import Settings, SettingsError
from orchestration.defs.dbt_models import warehouse
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.topic_assets import topic_key
from orchestration.monitoring.heartbeat import in_progress
from orchestration.warehouse import loaded_by
from orchestration.warehouse.attach import has_warehouse
from orchestration.warehouse.engines import engine_of

STORED = ("staging", "audit", "intermediate", "marts")


class Loaded(NamedTuple):
    """The newest load of a model or topic, its moment (UTC), and what it brought."""

    load_id: int
    at: datetime | None
    lines: int | None = None


def last_loads(settings: Settings) -> tuple[dict[str, Loaded], dict[str, Loaded]]:
    """The newest load of each model, and of each topic, according to the audit.

    Raises:
        SettingsError: there is no complete warehouse.
    """
    engine = engine_of(settings)
    objects = engine.relation("audit", "landed_objects")
    with engine.reader() as query:
        moments = dict(
            query(f"select load_id, max(audited_at) from {objects} group by load_id").rows
        )
        marks = f"select model_name, load_id from {engine.relation('audit', 'watermarks')}"
        models = {
            name: Loaded(int(load_id), _reached(moments, int(load_id)))
            for name, load_id in query(marks).rows
        }
        topics = {
            topic: Loaded(int(load_id), at, int(lines or 0))
            for topic, load_id, at, lines in query(
                "select topic, max(load_id), max(audited_at), sum(cast(lines as bigint)) "
                f"from {objects} where status = 'loaded' group by topic"
            ).rows
        }
    return models, topics


def _reached(moments: dict[int, datetime], load_id: int) -> datetime | None:
    """When the newest load up to this one was audited."""
    return max((at for load, at in moments.items() if load <= load_id and at), default=None)


def observations(settings: Settings) -> Iterator[dg.AssetObservation]:
    """One for each table that a load fills, and for each topic that has landed."""
    models, topics = last_loads(settings)
    by = loaded_by.read(settings)
    for spec in warehouse.specs:
        found = models.get(spec.key.path[-1])
        if found and spec.key.path[0] in STORED:
            yield _observation(spec.key, found, by)
    for topic in LANDED_TOPICS:
        if topic in topics:
            yield _observation(topic_key(topic), topics[topic], by)


def _observation(
    key: dg.AssetKey, found: Loaded, by: loaded_by.LoadedBy | None
) -> dg.AssetObservation:
    metadata: dict[str, Any] = {"load": found.load_id}
    if found.at:
        metadata["loaded at"] = dg.MetadataValue.timestamp(found.at.replace(tzinfo=UTC))
    if by and found.load_id <= by.load_id:
        metadata["loaded by"] = by.who
    if found.lines is not None:
        metadata["lines"] = found.lines
    return dg.AssetObservation(key, metadata=metadata, description="loaded outside of Dagster")


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Shows what was loaded outside of Dagster: when, and by whom.",
)
def loads_elsewhere(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> Any:
    """Observe each load once; Dagster's own report themselves."""
    settings = lakehouse.settings()
    if not has_warehouse(settings):
        return dg.SkipReason("there is no warehouse yet")
    by = loaded_by.read(settings)
    state = f"{by.load_id} {by.who}" if by else ""
    if not by or context.cursor == state:
        return dg.SkipReason("no load since the last look")
    if by.who.startswith(loaded_by.DAGSTER) or in_progress(context.instance, "twist_live"):
        return dg.SensorResult(skip_reason=dg.SkipReason(f"loaded by {by.who}"), cursor=state)
    try:
        found = list(observations(settings))
    except SettingsError as error:
        return dg.SkipReason(str(error))
    return dg.SensorResult(asset_events=found, cursor=state)
