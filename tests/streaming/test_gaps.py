"""What may go missing before the lake: topics created again, records that Connect cannot keep."""

import json
import os
import time
from typing import Any

import pytest

from ingestion.connect import kafka_topics
from ingestion.contract.topics import TOPICS
from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from tests.streaming import services
from tests.streaming.accounts import drain
from tests.streaming.events import click
from tests.streaming.stack import Stack

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(services.missing_for_sink()), reason=services.missing_for_sink() or ""),
]

TOPIC = TOPICS[0]
PARTITIONS = 6
PATIENCE = 120.0
"""Seconds until what was produced must be loaded."""


def produce(settings: Settings, *records: tuple[int, bytes], compression: str = "none") -> None:
    """Deliver records, each with its partition, in order."""
    from confluent_kafka import Producer

    failed: list[str] = []
    producer: Any = Producer(
        {
            "bootstrap.servers": settings.kafka,
            "message.max.bytes": 10_000_000,  # the topic's own limit is what counts
            "compression.type": compression,
            "log_level": 0,
        }
    )
    for partition, value in records:
        producer.produce(
            TOPIC,
            partition=partition,
            value=value,
            on_delivery=lambda error, _: failed.append(str(error)) if error else None,
        )
    assert producer.flush(60) == 0
    assert failed == []


def views(*names: str) -> list[tuple[int, bytes]]:
    """Views with these event ids, over all partitions in turn."""
    return [
        (number % PARTITIONS, json.dumps(click(event_id=name)).encode())
        for number, name in enumerate(names)
    ]


def make_anew(settings: Settings) -> None:
    """Delete the topic and create it, as it stands in the file."""
    from confluent_kafka.admin import AdminClient

    admin: Any = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
    admin.delete_topics([TOPIC])[TOPIC].result(30)
    deadline = time.monotonic() + 30
    while TOPIC in admin.list_topics(timeout=30).topics:
        assert time.monotonic() < deadline, "the topic is still there"
        time.sleep(0.1)
    assert kafka_topics.apply(settings) == [f"{TOPIC}: created with {PARTITIONS} partitions"]


def test_a_topic_made_anew_twice_within_the_hour_loses_nothing(stack: Stack, dbt: Dbt) -> None:
    settings = stack.settings
    produced: set[str] = set()
    loaded: list[str] = []
    for generation in range(3):
        if generation:
            make_anew(settings)
        # Each longer than the one before: its offsets are, and pass, those that were loaded.
        names = [f"{generation}-{number}" for number in range(600 * 3**generation)]
        produce(settings, *views(*names))
        produced.update(names)
        deadline = time.monotonic() + PATIENCE
        while len(loaded) < len(produced) and time.monotonic() < deadline:
            load(settings, dbt, lambda _: None)
            rows = dbt.query("select event_id from twist.staging.stg_clickstream__events")
            loaded = [name for (name,) in rows]
        assert produced - set(loaded) == set(), "these events are nowhere"
    assert len(loaded) == len(produced), "none counts twice"
    ((positions, lines),) = dbt.query(
        "select count(distinct (kafka_partition, kafka_offset)), "
        "count(distinct (kafka_partition, kafka_offset, arrived_at)) "
        "from twist.staging.stg_clickstream__events"
    )
    assert (positions, lines) == (5_400, 7_800), "only timestamps tell the three topics apart"


def test_a_record_above_a_megabyte_that_is_no_json_becomes_a_dead_letter(
    stack: Stack, dbt: Dbt
) -> None:
    settings = stack.settings
    limit = int(kafka_topics.wanted()[TOPIC]["config"]["max.message.bytes"])
    as_large_as_the_topic_takes = b"{" + os.urandom((limit - 200) // 2).hex().encode()
    larger_before_it_was_compressed = b"[" + b" " * 8_000_000
    drained = stack.run("dead-letters", "--seconds", "1", log="dead_letters")
    try:
        produce(settings, (0, as_large_as_the_topic_takes))
        produce(settings, (1, larger_before_it_was_compressed), compression="zstd")
        produce(settings, *views("good"))
        found = drain(settings, lambda: load(settings, dbt, lambda _: None), PATIENCE)
    finally:
        drained.stop()
    assert (found.produced, found.lost, found.twice, found.unbalanced) == (3, 0, 0, 0)
    letters = dbt.query(
        "select kafka_partition, kafka_offset, reason, raw_line from twist.audit.dead_letters "
        "order by kafka_partition"
    )
    assert [(partition, offset) for partition, offset, _, _ in letters] == [(0, 0), (1, 0)]
    assert all(reason.startswith("VALUE_CONVERTER: ") for _, _, reason, _ in letters)
    large = as_large_as_the_topic_takes.decode()
    assert large.startswith(letters[0][3])
    said = stack.connect.log.read_text()
    assert "Error encountered in task landing-" in said, "errors.log.enable"
    assert large[:1_000] not in said, "a record's content stays out of the log"


def forget(settings: Settings, partition: int, before: int) -> None:
    """Move the partition's first offset up, as retention does when it deletes a segment."""
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    admin: Any = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
    place = TopicPartition(TOPIC, partition, before)
    done = admin.delete_records([place])[place].result(30)
    assert done.low_watermark == before


def test_offsets_that_retention_took_during_an_outage_are_listed(stack: Stack, dbt: Dbt) -> None:
    settings = stack.settings

    def load_once() -> object:
        return load(settings, dbt, lambda _: None)

    drained = stack.run("dead-letters", "--seconds", "1", log="dead_letters")
    try:
        produce(settings, *views(*(f"before-{number}" for number in range(60))))
        assert drain(settings, load_once, PATIENCE).lost == 0
        stack.connect.stop(60)
        produce(settings, *views(*(f"during-{number}" for number in range(180))))
        forget(settings, partition=0, before=25)  # of 0 … 39, of which 0 … 9 have landed
        forget(settings, partition=1, before=10)  # only what has landed
        produce(settings, (2, b"no JSON"), *views(*(f"after-{number}" for number in range(60))))
        stack.connect.start()
        found = drain(settings, load_once, PATIENCE, lost=15)
    finally:
        drained.stop()
    assert (found.produced, found.lost, found.twice, found.unbalanced) == (301, 15, 0, 0)
    loaded = dbt.query(
        "select kafka_offset from twist.staging.stg_clickstream__events where kafka_partition = 0"
    )
    assert sorted(offset for (offset,) in loaded) == [*range(10), *range(25, 50)]
    letters = dbt.query("select kafka_partition, kafka_offset from twist.audit.dead_letters")
    assert letters == [(2, 40)], "dead letters are not missing"
    keys = dbt.query(
        "select max(object_key) filter (kafka_offset = 9), "
        "max(object_key) filter (kafka_offset = 25) "
        "from twist.staging.stg_clickstream__events where kafka_partition = 0"
    )
    missing = dbt.query(
        "select topic, kafka_partition, first_offset, last_offset, offsets, before_object, "
        "after_object, accepted_why from twist.audit.missing_offsets"
    )
    assert missing == [(TOPIC, 0, 10, 24, 15, *keys[0], None)]
