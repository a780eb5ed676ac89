"""What Kafka holds against what became of it: no position lost, none counted twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingestion.contract.topics import TOPICS
from ingestion.settings import Settings
from orchestration.warehouse.engines import open_reader

POSITIONS = """
    select topic, kafka_partition, kafka_offset from (
        select 'clickstream' as topic, kafka_partition, kafka_offset
        from staging.stg_clickstream__events
        union all
        select 'sku_availability', kafka_partition, kafka_offset
        from staging.stg_availability__stock_changes
        union all
        select 'product_catalog', kafka_partition, kafka_offset from staging.stg_catalog__skus
        union all
        select topic, kafka_partition, kafka_offset from audit.quarantined_lines
        where kafka_offset is not null
        union all
        select topic, kafka_partition, kafka_offset from audit.late_events where replayed_at is null
        union all
        select topic, kafka_partition, kafka_offset from audit.dead_letters
    )
"""


@dataclass(frozen=True)
class Account:
    """Of the three topics together, in positions."""

    produced: int
    kept: int
    """Positions that are a staged row, late, quarantined or a dead letter."""
    twice: int
    """Positions kept more than once."""
    landed: int
    """Lines landed, those that landed again included."""
    duplicates: int
    unbalanced: int
    """Objects of which the lines do not add up."""

    @property
    def lost(self) -> int:
        """Positions that ended nowhere."""
        return self.produced - self.kept

    def __str__(self) -> str:
        return (
            f"{self.produced:,} produced, {self.kept:,} kept, {self.lost:,} lost, {self.twice:,} "
            f"counted twice; {self.landed:,} lines landed, {self.duplicates:,} of them dropped as "
            f"duplicates; {self.unbalanced:,} objects unbalanced"
        )


def account(settings: Settings) -> Account:
    """Read both sides. Copies that a producer sent at other positions would count as lost."""
    conn = open_reader(settings)
    kept, twice = conn.execute(
        "select count(*), count(*) filter (times > 1) from (select count(*) as times "
        f"from ({POSITIONS}) group by topic, kafka_partition, kafka_offset)"
    ).fetchall()[0]
    landed, duplicates, unbalanced = conn.execute(
        "select coalesce(sum(lines), 0), coalesce(sum(duplicates), 0), "
        "count(*) filter (lines <> loaded + duplicates + late + quarantined) "
        "from audit.landed_objects"
    ).fetchall()[0]
    conn.close()
    return Account(sum(ends(settings).values()), kept, twice, landed, duplicates, unbalanced)


def ends(settings: Settings, patience: float = 30) -> dict[tuple[str, int], int]:
    """The offset after the last record of each partition; a broker that has just started may not
    know for a moment.
    """
    from confluent_kafka import KafkaException

    deadline = time.monotonic() + patience
    while True:
        try:
            return _ends(settings)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _ends(settings: Settings) -> dict[tuple[str, int], int]:
    from confluent_kafka import Consumer, TopicPartition

    consumer: Any = Consumer(
        {"bootstrap.servers": settings.kafka, "group.id": "accounts", "log_level": 0}
    )
    try:
        known = consumer.list_topics(timeout=30).topics
        places = [(topic, number) for topic in TOPICS for number in known[topic].partitions]
        return {
            place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=30)[1]
            for place in places
        }
    finally:
        consumer.close()


def drain(
    settings: Settings, load: Callable[[], object], patience: float, lost: int = 0
) -> Account:
    """Load until all that was produced but so much is kept, or patience ends; the last account."""
    deadline = time.monotonic() + patience
    while True:
        load()
        found = account(settings)
        if found.lost <= lost or time.monotonic() > deadline:
            return found
        time.sleep(1)
