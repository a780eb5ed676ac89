"""Creates the Kafka topics of `connectors/topics.json`, or updates their settings.

Safe to run again: a topic that matches the file is left alone.
"""

import time
from typing import Any

from ingestion.connect.connector_files import FOLDER, read_json
from ingestion.connect.kafka_client import client_config
from ingestion.settings import Settings, SettingsError

FILE = FOLDER / "topics.json"
PATIENCE = 30.0
"""Seconds to wait for the broker's answer."""


def wanted(settings: Settings | None = None) -> dict[str, dict[str, Any]]:
    """The topics from the file: name → {partitions, replicas, config}."""
    return read_json(settings, FILE.name)


def apply(settings: Settings) -> list[str]:
    """Create what is missing and change what differs; one sentence per change.

    Raises:
        SettingsError: the broker does not answer, or refuses.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka import admin as client

    kafka: Any = client  # untyped
    said: list[str] = []
    admin = kafka.AdminClient(client_config(settings, {"log_level": 0}, said.append))
    try:
        existing = admin.list_topics(timeout=PATIENCE).topics
    except KafkaException as error:
        admin.poll(0)  # what brokers said meanwhile
        why = said[0] if said else error.args[0].str()
        raise SettingsError(
            f"Kafka at {settings.kafka} does not answer ({why}): check TWIST_KAFKA and "
            "TWIST_KAFKA_PROPERTIES, or start it with `make up` or `make stream`"
        ) from None
    done = []
    for name, topic in wanted(settings).items():
        partitions = len(existing[name].partitions) if name in existing else 0
        if partitions > topic["partitions"]:
            done.append(
                f"{name}: has {partitions} partitions, more than the {topic['partitions']} of "
                f"{FILE.name}; they stay"
            )
        if not partitions:
            new = kafka.NewTopic(
                name, topic["partitions"], topic["replicas"], config=topic["config"]
            )
            admin.create_topics([new])[name].result(PATIENCE)
            _wait_for(admin, name)
            done.append(f"{name}: created with {topic['partitions']} partitions")
            continue
        if partitions < topic["partitions"]:
            more = kafka.NewPartitions(name, topic["partitions"])
            admin.create_partitions([more])[name].result(PATIENCE)
            done.append(f"{name}: {partitions} partitions became {topic['partitions']}")
        resource = kafka.ConfigResource(kafka.ConfigResource.Type.TOPIC, name)
        found = admin.describe_configs([resource])[resource].result(PATIENCE)
        changed = {k: v for k, v in topic["config"].items() if found[k].value != v}
        if changed:
            entries = [
                kafka.ConfigEntry(key, value, incremental_operation=kafka.AlterConfigOpType.SET)
                for key, value in changed.items()
            ]
            edit = kafka.ConfigResource(resource.restype, name, incremental_configs=entries)
            admin.incremental_alter_configs([edit])[edit].result(PATIENCE)
            done.append(f"{name}: {', '.join(f'{k}={v}' for k, v in changed.items())}")
    return done


def _wait_for(admin: Any, name: str) -> None:
    """A broker confirms a new topic a moment before it lists it."""
    deadline = time.monotonic() + PATIENCE
    while name not in admin.list_topics(timeout=PATIENCE).topics:
        if time.monotonic() > deadline:
            raise SettingsError(f"topic {name} was created, but Kafka does not list it")
        time.sleep(0.1)
