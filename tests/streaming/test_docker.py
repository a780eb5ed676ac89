"""What compose starts, read as it resolves its files: no engine is needed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion.connect import connect_client
from ingestion.settings import ROOT
from tests.streaming import services
from tests.streaming.test_files import COMPOSE, OWN_KAFKA, PATH, composed


def worker_in_docker(overlay: Path) -> dict[str, str]:
    """The variables that Confluent's image is started with, without this machine's."""
    start = ROOT / "docker" / "connect" / "start.sh"
    files = {"SETTINGS": str(connect_client.FOLDER), "OVERLAY": str(overlay)}
    given = composed()["services"]["connect"]["environment"]
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    said = subprocess.run(
        ["bash", str(start), sys.executable, "-c", code],
        env={"PATH": PATH, **files, **given}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {name: value for name, value in json.loads(said).items() if name.startswith("CONNECT_")}


def test_the_worker_in_docker_has_the_settings_of_the_file_and_of_the_overlay(
    tmp_path: Path,
) -> None:
    environment = worker_in_docker(tmp_path)
    for name, value in services.worker_settings().items():
        assert environment[f"CONNECT_{name.upper().replace('.', '_')}"] == value, name
    login = """org.apache.ScramLoginModule required username="it's $x" password="a=b `c` \\d";"""
    (tmp_path / "worker.properties").write_text(
        "# CONNECT_COMMENT=1\nno setting\nconsumer.max.poll.records = 7 \n"
        f"sasl.jaas.config={login}\na_b.c-d=1\nrest.advertised.host.name=elsewhere"
    )
    assert worker_in_docker(tmp_path) == environment | {
        "CONNECT_CONSUMER_MAX_POLL_RECORDS": "7",
        "CONNECT_SASL_JAAS_CONFIG": login,
        "CONNECT_A__B_C___D": "1",
        "CONNECT_REST_ADVERTISED_HOST_NAME": "elsewhere",
    }


def test_the_image_of_the_worker_starts_with_that_script() -> None:
    lines = (ROOT / "docker" / "connect" / "Dockerfile").read_text().splitlines()
    folder = "/usr/share/twist/"
    assert f'CMD ["bash", "{folder}start.sh", "/etc/confluent/docker/run"]' in lines
    copied = {line.split()[-2] for line in lines if line.endswith(f" {folder}")}
    assert copied == {
        "docker/connect/start.sh", "ingestion/connect/connectors/worker.properties",
    }  # fmt: skip


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """Target → source of the files and folders that it reads of this machine."""
    bound = [each for each in service.get("volumes", []) if each["type"] == "bind"]
    assert all(each["read_only"] for each in bound)
    return {each["target"]: each["source"] for each in bound}


def test_the_overlay_of_the_file_holds_in_docker() -> None:
    plain = composed()["services"]
    changed = composed(TWIST_CONNECT_OVERLAY="conf/overlay")["services"]
    readers = ("connect", "setup", "dagster-code")
    assert {name for name, each in changed.items() if mounted(each)} == set(readers)
    for name in readers:
        assert mounted(plain[name]) == {"/etc/twist": "/dev/null"}, "no folder"
        assert mounted(changed[name]) == {"/etc/twist": str(ROOT / "conf" / "overlay")}
    for name in ("setup", "dagster-code"):
        assert changed[name]["environment"]["TWIST_CONNECT_OVERLAY"] == "/etc/twist"
        assert plain[name]["environment"]["TWIST_CONNECT_OVERLAY"] == ""


def test_a_kafka_of_ones_own_replaces_that_of_docker() -> None:
    both = ("--file", str(COMPOSE), "--file", str(OWN_KAFKA), "--profile", "producer")
    values = {"TWIST_KAFKA": "b1:9093,b2:9093", "TWIST_CONNECT_OVERLAY": "/conf"}
    with_login = composed(*both, **values, TWIST_KAFKA_PROPERTIES="conf/k")["services"]
    without = composed(*both, **values)["services"]
    file = "/etc/twist-kafka.properties"
    for found in (with_login, without):
        assert "kafka" not in found
        assert not any("kafka" in each.get("depends_on", {}) for each in found.values())
        assert found["connect"]["environment"]["CONNECT_BOOTSTRAP_SERVERS"] == "b1:9093,b2:9093"
        for name in ("setup", "dead-letters", "producer"):
            environment = found[name]["environment"]
            assert environment["TWIST_KAFKA"] == "b1:9093,b2:9093"
            assert environment["TWIST_KAFKA_PROPERTIES"] == file
            assert mounted(found[name])["/etc/twist"] == "/conf", "its certificates"
    assert mounted(with_login["setup"])[file] == str(ROOT / "conf" / "k")
    assert mounted(without["setup"])[file] == "/dev/null"
    of_docker = composed(TWIST_KAFKA_PROPERTIES="conf/k")["services"]
    assert not of_docker["dead-letters"]["environment"].get("TWIST_KAFKA_PROPERTIES")


def test_dagster_is_shared_by_a_second_webserver_that_is_read_only() -> None:
    assert "dagster-read-only" not in composed()["services"]
    found = composed("--profile", "read-only")["services"]
    shared, own = found["dagster-read-only"], found["dagster-webserver"]
    assert set(shared["command"]) - set(own["command"]) == {"--read-only"}
    (port,) = shared["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "3100", 3000)
    assert shared["environment"] == own["environment"]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((), "--file docker/compose.yaml up --detach --build"),
        (("READ_ONLY=1",), "--file docker/compose.yaml --profile read-only up --detach --build"),
        (
            ("OWN_KAFKA=1", "PRODUCER=1"),
            "--file docker/compose.yaml --file docker/own-kafka.yaml --profile producer up --detach"
            " --build",
        ),
    ],
)
def test_make_up_says_that_dagster_has_no_login(
    words: tuple[str, ...], given: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("")
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho "$@" > called\n')
    docker.chmod(0o755)
    said = subprocess.run(
        ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "up", *words],
        cwd=tmp_path, env={"PATH": f"{docker.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    called = (tmp_path / "called").read_text().strip()
    assert called == f"compose --env-file .env --project-directory . {given}"
    assert said[-1].startswith("open http://127.0.0.1:3000: Dagster has no login")
    assert "put a proxy with a login before http://127.0.0.1:3100" in said[-1]


def test_root_file_systems_are_read_only_but_where_the_file_says_why_not() -> None:
    found = composed("--profile", "producer", "--profile", "read-only")["services"]
    writable = {name for name, each in found.items() if not each.get("read_only")}
    assert writable == {"kafka", "connect", "store", "dagster-code"}
    said = (
        COMPOSE.read_text().partition("# Root file systems are read-only")[2].partition("x-read")[0]
    )
    assert [name for name in writable if not re.search(rf"\b{name}\b", said)] == []
    for name in found.keys() - writable:
        assert "/tmp" in found[name]["tmpfs"], name


@pytest.mark.parametrize("page", ["runbook", "streaming"])
def test_the_guides_call_compose_as_make_does(page: str) -> None:
    ours = re.search(r"(?m)^COMPOSE := (.+)$", (ROOT / "Makefile").read_text())
    assert ours
    text = (ROOT / "dbt_project" / "docs" / f"{page}.md").read_text()
    said = re.findall(r"docker compose .+", re.sub(r"\\\n\s+", "", text))
    assert said
    service = "run --rm --no-deps setup python -m orchestration connectors status"
    assert {each.partition("`")[0] for each in said} == {f"{ours[1]} {service}"}
    assert "setup" in composed()["services"]


def test_the_guide_to_several_workers_names_what_they_share_and_what_they_do_not() -> None:
    page = (connect_client.FOLDER / "README.md").read_text()
    entry = page.partition("### More than one worker\n")[2].partition("\n### ")[0]
    shared = [name for name in services.worker_settings() if ".storage." in name]
    assert len(shared) == 6
    for name in (*shared, "group.id", "session.timeout.ms", "rest.advertised.host.name"):
        assert f"`{name}`" in entry, name
