"""The producer and the topics against a real broker."""

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.connect import dead_letters, kafka_topics
from ingestion.contract.topics import DEAD_LETTERS, TOPICS
from ingestion.settings import ROOT, Settings, SettingsError
from ingestion.simulation.producer import PRODUCER, Feed
from ingestion.simulation.simulator import Record
from tests.streaming import services
from tests.streaming.accounts import ends
from tests.streaming.services import Service

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(
        bool(services.missing_for_kafka()), reason=services.missing_for_kafka() or ""
    ),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Settings]]:
    folder = tmp_path_factory.mktemp("broker")
    broker, address = services.broker(folder, services.free_ports(2))
    settings = Settings(_env_file=None, kafka=address, landing=str(folder / "landing"))
    (folder / "landing").mkdir()
    try:
        broker.start()
        kafka_topics.apply(settings)
        yield broker, settings
    finally:
        broker.stop()


@pytest.fixture
def settings(running: tuple[Service, Settings]) -> Settings:
    return running[1]


def admin(settings: Settings) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})


def configured(settings: Settings, topic: str) -> dict[str, str]:
    from confluent_kafka import admin as client

    kafka: Any = client
    resource = kafka.ConfigResource(kafka.ConfigResource.Type.TOPIC, topic)
    asked = admin(settings)  # an answer in flight is lost with its client
    found = asked.describe_configs([resource])[resource].result()
    return {name: entry.value for name, entry in found.items()}


def test_topics_are_as_the_file_says_and_stay_so(settings: Settings) -> None:
    known = admin(settings).list_topics(timeout=10).topics
    for name, topic in kafka_topics.wanted().items():
        assert len(known[name].partitions) == topic["partitions"]
        assert topic["config"].items() <= configured(settings, name).items()
    assert kafka_topics.apply(settings) == []


def test_what_differs_from_the_file_is_brought_in_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {"partitions": 2, "config": {"retention.bytes": "1000000"}}
    monkeypatch.setattr(kafka_topics, "wanted", lambda _: {DEAD_LETTERS: changed})
    assert kafka_topics.apply(settings) == [
        "dead_letters: 1 partitions became 2",
        "dead_letters: retention.bytes=1000000",
    ]
    fewer = {**changed, "partitions": 1}
    monkeypatch.setattr(kafka_topics, "wanted", lambda _: {DEAD_LETTERS: fewer})
    assert kafka_topics.apply(settings) == [
        "dead_letters: has 2 partitions, more than the 1 of topics.json; they stay"
    ]


def test_a_broker_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_topics, "PATIENCE", 1.0)
    with pytest.raises(
        SettingsError, match=r"Kafka at 127\.0\.0\.1:9 does not answer .*TWIST_KAFKA"
    ):
        kafka_topics.apply(Settings(_env_file=None, kafka="127.0.0.1:9"))


def produce(settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", "produce", *arguments],
        env={"PYTHONPATH": str(ROOT), "TWIST_KAFKA": settings.kafka},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def delivered(said: str) -> int:
    """Of the last line: 1,234 sent, 1,234 delivered (…)"""
    sent, found = said.splitlines()[-1].split(" (")[0].split(", ")
    assert sent.split()[0] == found.split()[0]
    return int(found.split()[0].replace(",", ""))


def test_a_producer_that_is_asked_to_stop_delivers_what_it_has_sent(settings: Settings) -> None:
    before = sum(ends(settings).values())
    process = produce(settings, "--rate", "300")
    assert process.stdout
    assert "producing to" in process.stdout.readline()
    while sum(ends(settings).values()) == before:
        pass
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 0, said
    assert sum(ends(settings).values()) - before == delivered(said) > 0


def test_a_past_day_is_replayed_whole_with_its_own_times(settings: Settings) -> None:
    from confluent_kafka import Consumer, TopicPartition

    before = ends(settings)
    process = produce(settings, "--replay", "2026-11-01", "--speed", "0", "--views", "500")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    after = ends(settings)
    assert sum(after.values()) - sum(before.values()) == delivered(said)
    place = next(place for place in after if place[0] == TOPICS[0] and after[place] > before[place])
    consumer: Any = Consumer({"bootstrap.servers": settings.kafka, "group.id": "look"})
    consumer.assign([TopicPartition(*place, before[place])])
    message = consumer.poll(30)
    consumer.close()
    assert 1_793_491_200_000 <= message.timestamp()[1] < 1_793_491_200_000 + 86_400_000


def test_a_record_too_large_for_kafka_is_counted_and_reported(settings: Settings) -> None:
    feed = Feed(settings, lambda _: None)
    good = Record(TOPICS[0], "k", b"{}", 1_793_491_200_000)
    large = good._replace(value=b"x" * 1_500_000)
    assert feed.run(iter([(0.0, [good])])).complete
    found = feed.run(iter([(0.0, [large, good])]))
    assert not found.complete
    assert str(found) == (
        "3 sent, 2 delivered (clickstream 2); "
        "1 failed: Unable to produce message: Broker: Message size too large"
    )


def test_a_broker_that_dies_and_comes_back_costs_nothing(
    running: tuple[Service, Settings],
) -> None:
    broker, settings = running
    before = sum(ends(settings).values())
    process = produce(settings, "--rate", "200")
    assert process.stdout
    process.stdout.readline()
    while sum(ends(settings).values()) == before:
        pass
    broker.kill()
    broker.start()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert sum(ends(settings).values()) - before == delivered(said)


def test_the_producer_is_idempotent() -> None:
    assert PRODUCER["enable.idempotence"] is True
    assert PRODUCER["acks"] == "all"


def test_dead_letters_are_read_from_kafka_and_committed_once_landed(settings: Settings) -> None:
    from confluent_kafka import Producer

    producer: Any = Producer({"bootstrap.servers": settings.kafka})
    headers = [("__connect.errors.topic", b"clickstream"), ("__connect.errors.offset", b"4")]
    for number in range(3):
        producer.produce(DEAD_LETTERS, value=b"%d" % number, headers=headers)
    producer.flush(30)

    landed = []
    for _ in range(2):  # the second finds nothing: the first has committed
        drain = dead_letters.Drain(settings, lambda _: None)
        rounds = iter(range(4))

        def once(seconds: float, drain: Any = drain, rounds: Any = rounds) -> int:
            if next(rounds, None) is None:
                drain.stop()
            return int(dead_letters.Drain._once(drain, seconds))

        drain._once = once  # type: ignore[method-assign]
        landed.append(drain.run(2.0))
    assert landed == [3, 0]
    files = Path(settings.landing_root).rglob("*.json.gz")
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert sorted(json.loads(line)["raw_value"] for line in lines) == ["0", "1", "2"]
