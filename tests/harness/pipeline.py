"""The real pipeline on a folder of its own, and its tables in the referee's form."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from obstore import put

from ingestion.lake.landed_objects import open_store
from ingestion.settings import Settings as TwistSettings
from ingestion.settings import is_s3
from orchestration.warehouse import writer_lock
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.replay_late import replay_late
from tests.harness.referee import Delivery, Outcome, Settings, Step
from tests.harness.referee_marts import KEYS
from tests.harness.tables import NOT_ZERO, mart_of
from tests.harness.warm import warm_runner

ROUNDED = ("twist_rate", "size_share", "price")
A_MILLIONTH = Fraction(1, 1_000_000)


def meaning(rules: Settings) -> dict[str, Any]:
    """The settings that change the results, from the referee's."""
    return {
        "late_days": rules.late_days,
        "bot_patterns": ",".join(rules.bot_patterns),
        "bot_exceptions": ",".join(rules.bot_exceptions),
        "min_sellable_qty": rules.min_sellable_qty,
        "min_pickup_qty": rules.min_pickup_qty,
        "time_zone": rules.time_zone,
        "conversion_min_units": rules.conversion_min_units,
    }


@dataclass
class Pipeline:
    """A landing lake, a warehouse and a warm dbt; `close` before the next one is used."""

    root: Path
    rules: Settings = field(default_factory=Settings)
    batch_mb: int = 64
    slack_hours: int = 1_000_000
    """Files of the histories land in old folders in any order."""

    def __post_init__(self) -> None:
        (self.root / "landing").mkdir(parents=True)
        self.settings = TwistSettings(
            _env_file=None,
            target="embedded",
            landing=str(self.root / "landing"),
            warehouse=str(self.root / "warehouse"),
            overview=str(self.root / "overview"),
            **meaning(self.rules),
            landing_slack_hours=self.slack_hours,
            batch_mb=self.batch_mb,
        )
        self.dbt = Dbt(self.settings, runner=warm_runner())

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        if is_s3(self.settings.landing_root):
            for delivery in deliveries:
                put(open_store(self.settings), delivery.key, delivery.body)
            return
        for delivery in deliveries:
            path = self.root / "landing" / delivery.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".part").write_bytes(delivery.body)
            path.with_suffix(".part").rename(path)

    def load(self) -> LoadReport:
        return load(self.settings, self.dbt, lambda _: None)

    def run(self, steps: Sequence[Step]) -> "Pipeline":
        for step in steps:
            if step == "replay":
                replay_late(self.settings, self.dbt, lambda _: None)
            else:
                self.deliver(step)
                self.load()
        return self

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.dbt.query(sql)

    def mart(self, name: str, columns: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
        """A mart in the referee's form: key → its other columns."""
        keys = KEYS[name]
        rows = self.query(
            f"select {', '.join([*keys, *columns])} from {mart_of(name, 'twist.marts')} "
            f"where {NOT_ZERO.get(name, '1 = 1')}"
        )
        table = {
            row[: len(keys)]: dict(zip(columns, row[len(keys) :], strict=True)) for row in rows
        }
        assert len(table) == len(rows), f"{name} repeats a key"
        return table

    def close(self) -> None:
        self.dbt.close()
        writer_lock.release(self.settings.warehouse_root)

    def remove(self) -> None:
        self.close()
        shutil.rmtree(self.root)


def differences(pipeline: Pipeline, expected: Outcome) -> list[str]:
    """Every way in which the warehouse differs from the referee's outcome, as sentences."""
    found = []
    for name, mart in expected.marts.items():
        columns = list(next(iter(mart.values()))) if mart else []
        actual = pipeline.mart(name, columns)
        for key in sorted(mart.keys() | actual.keys(), key=str):
            if not _equal(mart.get(key), actual.get(key)):
                found.append(f"{name} {key}: expected {mart.get(key)}, found {actual.get(key)}")
    loaded, unbalanced, staged, replayed = pipeline.query(
        """
        select
            (select coalesce(sum(loaded), 0) from twist.audit.landed_objects),
            (select count(*) from twist.audit.landed_objects
                where lines <> loaded + duplicates + late + quarantined or duplicates < 0),
            (select count(*) from twist.staging.stg_clickstream__events)
            + (select count(*) from twist.staging.stg_availability__stock_changes)
            + (select count(*) from twist.staging.stg_catalog__skus),
            (select count(*) from twist.audit.late_events where replayed_at is not null)
        """
    )[0]
    if loaded != expected.loaded:
        found.append(f"loaded {loaded} lines, expected {expected.loaded}")
    if replayed != expected.replayed:
        found.append(f"replayed {replayed} events, expected {expected.replayed}")
    if unbalanced or loaded + replayed != staged:
        found.append(f"audit: {unbalanced} objects unbalanced, {loaded}+{replayed} <> {staged}")
    quarantined = set(
        pipeline.query(
            "select topic, kafka_partition, kafka_offset, "
            "case when kafka_offset is not null then arrived_at end, "
            "case when kafka_offset is null then raw_line end from twist.audit.quarantined_lines"
        )
    )
    wanted = {
        (
            q.topic,
            *(q.position[1:] if q.position else (None, None, None)),
            None if q.position else q.text,
        )
        for q in expected.quarantined
    }
    if quarantined != wanted:
        found.append(f"quarantined: {quarantined ^ wanted}")
    conflicts = set(
        pipeline.query(
            "select topic, kafka_partition, kafka_offset, arrived_at, raw_line "
            "from twist.audit.conflicting_copies"
        )
    )
    differing = {(*position, raw.decode()) for position, raw in expected.conflicts}
    if conflicts != differing:
        found.append(f"conflicting copies: {conflicts ^ differing}")
    late = set(
        pipeline.query(
            "select topic, kafka_partition, kafka_offset, arrived_at from twist.audit.late_events"
        )
    )
    if late != set(expected.late_positions):
        found.append(f"late: {late ^ set(expected.late_positions)}")
    return found


def _equal(expected: dict[str, Any] | None, actual: dict[str, Any] | None) -> bool:
    """Exactly, except for quotients and catalog numbers, which engines may round differently."""
    if expected is None or actual is None:
        return expected is actual
    return expected.keys() == actual.keys() and all(
        abs(Fraction(value) - Fraction(actual[name])) <= A_MILLIONTH
        if name in ROUNDED and value is not None and actual[name] is not None
        else value == actual[name]
        for name, value in expected.items()
    )
