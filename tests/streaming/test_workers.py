"""Connect's worker in operation: another key, another worker, more partitions.

As `ingestion/connect/connectors/README.md` says, with Confluent's sink. The store knows Connect by
keys of its own, with no more rights than Docker gives it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGHUP
from typing import Any

import httpx
import pytest

from ingestion.connect import connect_client
from ingestion.lake import landed_objects
from ingestion.settings import SettingsError
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load import load
from tests.dbt.test_s3_rights import is_let_in, know, user
from tests.streaming import services
from tests.streaming.accounts import drain
from tests.streaming.events import click
from tests.streaming.services import Service
from tests.streaming.stack import Stack
from tests.streaming.test_files import store_users
from tests.streaming.test_gaps import PARTITIONS, PATIENCE, TOPIC, produce, views

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(services.missing_for_sink()), reason=services.missing_for_sink() or ""),
]

FOUND = 30 + 5 + 10
"""Seconds until a record of a new partition lands: until the consumer looks for partitions again,
until its file is closed, and a rebalance."""
TAKEN_OVER = 30
"""Seconds until a killed worker's tasks run on another: its session of ten, and their start."""
REFUSED = 60
"""Seconds until every task has failed at a store that refuses its key."""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    stack.store.argv.append(f"-s3.config={tmp_path / 's3.json'}")
    know(tmp_path, connect_with("old"))
    give(stack.connect, "old")
    with stack:
        for name, value in stack.environment().items():
            monkeypatch.setenv(name, value)
        yield stack


@pytest.fixture
def producer(stack: Stack) -> Iterator[Service]:
    """The simulated retailer's events, a hundred a second."""
    running = stack.run("produce", "--rate", "100", log="producer")
    yield running
    running.stop()


def connect_with(*keys: str) -> list[dict[str, Any]]:
    (rights,) = (each["actions"] for each in store_users() if each["name"] == "connect")
    return [user("connect", rights, *keys)]


def give(worker: Service, key: str) -> None:
    """The key that the worker reads when it starts."""
    worker.variables = {**worker.variables, "AWS_ACCESS_KEY_ID": key}


def let_in(stack: Stack, *keys: str) -> None:
    """The store knows Connect by these keys from now on, and by no others."""
    know(stack.root, connect_with(*keys))
    assert stack.store.process
    stack.store.process.send_signal(SIGHUP)
    url = stack.settings.s3_endpoint
    seconds_until(lambda: all(
        is_let_in(key, url, stack.root) == (key in keys) for key in ("old", "new")
    ))  # fmt: skip


def seconds_until(done: Callable[[], object], within: float = services.PATIENCE) -> float:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < within, "not in time"
        time.sleep(0.2)
    return time.monotonic() - began


def has_failed(stack: Stack) -> bool:
    (found,) = connect_client.status(stack.settings)
    return set(found.tasks) == {"FAILED"}


def nothing_is_lost_or_counted_twice(stack: Stack, dbt: Dbt) -> None:
    found = drain(stack.settings, lambda: load(stack.settings, dbt, lambda _: None), PATIENCE)
    print(found)
    assert found.produced
    assert (found.lost, found.twice, found.unbalanced) == (0, 0, 0)
    ((rows, seen),) = dbt.query(
        "select count(*), count(distinct view_id) from twist.marts.fct_twist"
    )
    assert rows == seen > 0


def test_added_partitions_are_read_within_half_a_minute(stack: Stack, dbt: Dbt) -> None:
    from confluent_kafka import admin as client

    kafka: Any = client
    produce(stack.settings, *views(*(f"before-{number}" for number in range(60))))
    lake = landed_objects.open_store(stack.settings)

    def partitions() -> set[int]:
        names = (each.key.rpartition("/")[2] for each in landed_objects.list_landed(lake, TOPIC))
        return {int(name.split("+")[1]) for name in names}

    seconds_until(lambda: len(partitions()) == PARTITIONS)
    admin = kafka.AdminClient({"bootstrap.servers": stack.settings.kafka, "log_level": 0})
    admin.create_partitions([kafka.NewPartitions(TOPIC, PARTITIONS + 2)])[TOPIC].result(30)
    added = {PARTITIONS, PARTITIONS + 1}
    for number in range(20):
        for partition in added:
            event = click(event_id=f"{partition}-{number}")
            produce(stack.settings, (partition, json.dumps(event).encode()))
    seconds = seconds_until(lambda: added <= partitions(), within=FOUND)
    print(f"landed {seconds:.1f} s after the partitions were there")
    nothing_is_lost_or_counted_twice(stack, dbt)


def test_the_key_of_a_worker_is_changed_as_the_procedure_says(
    stack: Stack, dbt: Dbt, producer: Service
) -> None:
    time.sleep(10)
    let_in(stack, "old", "new")  # step 1
    give(stack.connect, "new")  # step 2
    stack.connect.stop(60)
    stack.connect.start()  # step 3
    connect_client.restart(stack.settings, print)
    assert all(each.runs for each in connect_client.status(stack.settings))
    let_in(stack, "new")  # step 5
    time.sleep(20)
    assert all(each.runs for each in connect_client.status(stack.settings))
    producer.stop(60)
    nothing_is_lost_or_counted_twice(stack, dbt)


def test_a_refused_key_stops_the_tasks_until_the_worker_has_another(
    stack: Stack, dbt: Dbt, producer: Service
) -> None:
    time.sleep(10)
    let_in(stack, "new")
    seconds = seconds_until(lambda: has_failed(stack), within=REFUSED)
    print(f"all tasks had failed {seconds:.1f} s after the store refused their key")
    with suppress(SettingsError):  # they may run until each uploads its first file
        connect_client.restart(stack.settings, print)
    seconds_until(lambda: has_failed(stack), within=REFUSED)
    let_in(stack, "old", "new")
    connect_client.restart(stack.settings, print)  # restart suffices once the store knows the key
    let_in(stack, "new")
    seconds_until(lambda: has_failed(stack), within=REFUSED)
    give(stack.connect, "new")
    stack.connect.stop(60)
    stack.connect.start()
    connect_client.restart(stack.settings, print)
    producer.stop(60)
    nothing_is_lost_or_counted_twice(stack, dbt)


def places(url: str) -> Counter[str]:
    """How many tasks run on each worker, as this one says."""
    try:
        tasks = httpx.get(f"{url}/connectors/landing/status", timeout=10).json().get("tasks", [])
    except httpx.HTTPError:
        return Counter()
    return Counter(each["worker_id"] for each in tasks if each["state"] == "RUNNING")


def test_two_workers_share_the_tasks_and_either_takes_over_those_of_the_other(
    stack: Stack, dbt: Dbt, producer: Service
) -> None:
    settings = stack.settings
    second, url = services.worker(
        stack.root / "second", services.free_ports(1)[0], settings.kafka, settings.s3_endpoint
    )
    give(second, "old")
    workers = {settings.connect_url: stack.connect, url: second}
    half = Counter({each.removeprefix("http://"): 2 for each in workers})
    try:
        second.start()
        seconds = seconds_until(lambda: places(url) == half)
        print(f"shared {seconds:.1f} s after the second worker was up")
        # The second, which does not lead the group, and then the first, which does.
        for killed, left in ((url, settings.connect_url), (settings.connect_url, url)):
            workers[killed].kill()
            seconds = seconds_until(
                lambda one=left: places(one) == {one.removeprefix("http://"): 4},  # type: ignore[misc]
                within=TAKEN_OVER,
            )
            print(f"taken over {seconds:.1f} s after the kill")
            workers[killed].start()
            seconds_until(lambda one=left: places(one) == half)  # type: ignore[misc]
        producer.stop(60)
        nothing_is_lost_or_counted_twice(stack, dbt)
    finally:
        second.stop()
