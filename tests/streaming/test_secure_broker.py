"""Our own clients and Connect's worker against a broker with TLS and SCRAM, by our own authority.

With the settings that the connectors' README documents.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestion.connect import dead_letters, kafka_topics
from ingestion.connect.connector_files import FOLDER
from ingestion.contract.topics import DEAD_LETTERS, TOPICS
from ingestion.settings import Settings, SettingsError
from ingestion.simulation.producer import Feed
from ingestion.simulation.simulator import Record
from tests.harness.certificates import issue
from tests.streaming import services
from tests.streaming.services import KEY, SECRET, Secured, Service

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(
        bool(services.missing_for_kafka()), reason=services.missing_for_kafka() or ""
    ),
]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    return Secured(*issue(tmp_path_factory.mktemp("certificates"), ["localhost"], ["127.0.0.1"]))


@pytest.fixture(scope="module")
def address(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    broker, address = services.broker(
        tmp_path_factory.mktemp("broker"), services.free_ports(2), secured
    )
    try:
        broker.start()
        yield address
    finally:
        broker.stop()


def with_properties(address: str, folder: Path, properties: Mapping[str, str]) -> Settings:
    (folder / "landing").mkdir(exist_ok=True)
    file = folder / "kafka.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return Settings(
        _env_file=None, kafka=address, kafka_properties=str(file), landing=str(folder / "landing")
    )


def test_topics_producer_and_dead_letters_work_over_tls_with_a_login(
    address: str, secured: Secured, tmp_path: Path
) -> None:
    settings = with_properties(address, tmp_path, secured.client())
    assert len(kafka_topics.apply(settings)) == len(kafka_topics.wanted())
    said: list[str] = []
    records = [Record(topic, "k", b"{}", 1_793_491_200_000) for topic in (TOPICS[0], DEAD_LETTERS)]
    assert Feed(settings, said.append).run(iter([(0.0, records)])).complete
    drain = dead_letters.Drain(settings, said.append)
    once = drain._once

    def until_one(seconds: float) -> int:
        landed = once(seconds)
        drain.stop() if landed else None
        return landed

    drain._once = until_one  # type: ignore[method-assign]
    assert drain.run(1.0) == 1
    assert len(list(Path(settings.landing_root).rglob("*.json.gz"))) == 1
    assert [each for each in said if "trying again" in each] == []


WRONG = {
    "the wrong authority": ({}, "certificate verify failed"),
    "the wrong password": ({"sasl.password": "not-it"}, "Authentication failed"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_refusal_is_one_sentence_with_its_cause(
    address: str, secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    changed, cause = WRONG[what]
    if not changed:
        changed = {"ssl.ca.location": str(issue(tmp_path, ["localhost"], ["127.0.0.1"])[0])}
    settings = with_properties(address, tmp_path, secured.client() | changed)
    monkeypatch.setattr(kafka_topics, "PATIENCE", 5.0)
    with pytest.raises(SettingsError, match="TWIST_KAFKA_PROPERTIES") as refused:
        kafka_topics.apply(settings)
    assert cause in str(refused.value)
    assert not {SECRET, "not-it"} & set(re.split(r"\W", str(refused.value)))

    said: list[str] = []
    monkeypatch.setattr("ingestion.simulation.producer.FLUSH_SECONDS", 5.0)
    record = Record(TOPICS[0], "k", b"{}", 1_793_491_200_000)
    fed = Feed(settings, said.append).run(iter([(0.0, [record])]))
    assert fed.undelivered == 1
    drain = dead_letters.Drain(settings, said.append)
    drain._consumer.subscribe([DEAD_LETTERS])
    assert drain._once(5.0) == 0
    drain._consumer.close()
    told = [each for each in said if cause in each]
    assert {each.partition(",")[0] for each in told} == {
        "Kafka is not reached", "dead letters cannot be read from Kafka",
    }  # fmt: skip
    assert len(told) == len(set(told)), "each once"


def documented(secured: Secured) -> dict[str, str]:
    """The worker's settings of the README's example, with this broker's values in them."""
    page = (FOLDER / "README.md").read_text()
    (example,) = re.findall(r"```\n(security\.protocol=.*?)```", page, re.DOTALL)
    text = example.replace("/etc/twist/ca.pem", str(secured.authority))
    text = text.replace('username="…"', f'username="{KEY}"')
    lines = dict(line.split("=", 1) for line in text.splitlines())
    login = lines["sasl.jaas.config"].replace('password="…"', f'password="{SECRET}"')
    return {name: login if name.endswith("jaas.config") else value for name, value in lines.items()}


def test_the_worker_joins_with_the_settings_that_its_readme_shows(
    address: str, secured: Secured, tmp_path: Path
) -> None:
    settings = documented(secured)
    for client in ("consumer.", "producer.", "admin."):
        own = {name.removeprefix(client): v for name, v in settings.items() if client in name}
        assert own == {name: v for name, v in settings.items() if name in own}
    worker = own_worker(tmp_path, address, settings)
    try:
        worker.start()  # waits until it is healthy: it has its topics, and is in its group
    finally:
        worker.stop()


def own_worker(folder: Path, address: str, settings: Mapping[str, str]) -> Service:
    worker, _ = services.worker(folder, services.free_ports(1)[0], address, "http://127.0.0.1:9")
    config = folder / "worker.properties"
    config.write_text(
        config.read_text() + "".join(f"{name}={value}\n" for name, value in settings.items())
    )
    return worker


def test_a_worker_that_does_not_know_the_authority_does_not_come_up(
    address: str, secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "PATIENCE", 30.0)
    wrong: dict[str, Any] = documented(secured)
    del wrong["ssl.truststore.location"]
    worker = own_worker(tmp_path, address, wrong)
    try:
        with pytest.raises(OSError, match="connect does not start"):
            worker.start()
    finally:
        worker.kill()
