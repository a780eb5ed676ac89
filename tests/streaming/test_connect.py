"""`ingestion.connect.connect_client` against a server that answers as Kafka Connect does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ingestion.connect import connect_client
from ingestion.settings import Settings, SettingsError
from orchestration.cli import main

(NAME,) = connect_client.connectors()


class FakeConnect(ThreadingHTTPServer):
    """Answers from lists; the last answer of a list is repeated."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.put: list[tuple[int, Any]] = [(201, {})]
        self.status: list[tuple[int, Any]] = [(200, running())]
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, connect_url=f"http://127.0.0.1:{self.server_address[1]}")


class Handler(BaseHTTPRequestHandler):
    server: FakeConnect

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        self.server.asked.append((self.command, self.path))
        if length := int(self.headers.get("content-length") or 0):
            self.server.bodies.append(json.loads(self.rfile.read(length)))
        answers = self.server.status if self.command == "GET" else self.server.put
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = _answer  # noqa: N815


def running(*tasks: str, trace: str | None = None) -> dict[str, Any]:
    states = tasks or ("RUNNING", "RUNNING")
    return {
        "connector": {"state": "RUNNING"},
        "tasks": [
            {"id": number, "state": state, **({"trace": trace} if trace else {})}
            for number, state in enumerate(states)
        ],
    }


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnect]:
    monkeypatch.setattr(connect_client, "PAUSE", 0.01)
    monkeypatch.setattr(connect_client, "SETTLE", 0.1)
    server = FakeConnect()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_apply_puts_the_configuration_of_the_file_and_says_that_it_runs(fake: FakeConnect) -> None:
    said: list[str] = []
    connect_client.apply(fake.settings, said.append)
    assert fake.asked[0] == ("PUT", f"/connectors/{NAME}/config")
    assert fake.bodies == [connect_client.connectors()[NAME]]
    assert said == [f"{NAME}: RUNNING, tasks: RUNNING, RUNNING"]


def test_apply_waits_while_connect_rebalances_and_tasks_start(fake: FakeConnect) -> None:
    fake.put = [(409, {"message": "rebalancing"}), (503, {}), (200, {})]
    starting = {"connector": {"state": "RUNNING"}, "tasks": []}
    fake.status = [(404, {}), (200, starting), (200, running("UNASSIGNED")), (200, running())]
    connect_client.apply(fake.settings, lambda _: None)
    assert [command for command, _ in fake.asked].count("PUT") == 3
    assert [command for command, _ in fake.asked].count("GET") == 4


def test_a_wrong_configuration_is_said_at_once_in_connects_words(fake: FakeConnect) -> None:
    fake.put = [(400, {"message": "flush.size is missing"})]
    with pytest.raises(SettingsError, match=r"400 flush\.size is missing"):
        connect_client.apply(fake.settings, lambda _: None)
    assert len(fake.asked) == 1


def test_a_failed_task_shows_its_trace(fake: FakeConnect) -> None:
    fake.status = [(200, running("RUNNING", "FAILED", trace="NoSuchBucketException: lake"))]
    with pytest.raises(SettingsError, match="NoSuchBucketException: lake"):
        connect_client.apply(fake.settings, lambda _: None)


def test_tasks_that_never_run_end_the_wait(fake: FakeConnect) -> None:
    fake.status = [(200, running("UNASSIGNED"))]
    with pytest.raises(SettingsError, match="did not run in time"):
        connect_client.apply(fake.settings, lambda _: None, patience=0.05)


def test_no_connect_at_all_names_the_setting_and_the_cure() -> None:
    nobody = Settings(_env_file=None, connect_url="http://127.0.0.1:9")
    with pytest.raises(SettingsError, match=r"TWIST_CONNECT_URL.*make up") as refused:
        connect_client.apply(nobody, lambda _: None, patience=0)
    assert "http://127.0.0.1:9" in str(refused.value)


def test_no_password_of_an_address_is_shown() -> None:
    nobody = Settings(_env_file=None, connect_url="http://me:hush@127.0.0.1:9")
    with pytest.raises(SettingsError, match=r"http://127\.0\.0\.1:9") as refused:
        connect_client.apply(nobody, lambda _: None, patience=0)
    assert "hush" not in str(refused.value)


def test_no_address_is_one_sentence_too() -> None:
    with pytest.raises(SettingsError, match="TWIST_CONNECT_URL is empty"):
        connect_client.status(Settings(_env_file=None))


def test_status_tells_what_runs_from_what_does_not(fake: FakeConnect) -> None:
    fake.status = [(200, running())]
    assert [each.runs for each in connect_client.status(fake.settings)] == [True]
    fake.status = [(200, running("RUNNING", "FAILED", trace="why"))]
    (failed,) = connect_client.status(fake.settings)
    assert not failed.runs
    assert failed.traces == ("why", "why")
    fake.status = [(200, {"connector": {"state": "PAUSED"}, "tasks": [{"state": "PAUSED"}]})]
    assert [each.runs for each in connect_client.status(fake.settings)] == [False]


def test_restart_asks_for_what_failed_and_waits(fake: FakeConnect) -> None:
    fake.status = [(200, running("RESTARTING")), (200, running())]
    connect_client.restart(fake.settings, lambda _: None)
    query = "?includeTasks=true&onlyFailed=true"
    assert fake.asked[0] == ("POST", f"/connectors/{NAME}/restart{query}")
    assert len(fake.asked) == 3


def test_restart_waits_while_connect_still_says_why_it_failed_before(
    fake: FakeConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_client, "SETTLE", 60.0)
    before = (200, running("FAILED", "FAILED", trace="refused"))
    half = (200, running("RUNNING", "FAILED", trace="refused"))
    fake.status = [before, before, half, (200, running())]
    connect_client.restart(fake.settings, lambda _: None)
    fake.status = [before, (200, running("RUNNING", "FAILED", trace="another"))]
    with pytest.raises(SettingsError, match="another"):
        connect_client.restart(fake.settings, lambda _: None)


def test_the_command_exits_with_what_it_found(
    fake: FakeConnect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWIST_CONNECT_URL", fake.settings.connect_url)
    assert main(["connectors", "status"]) == 0
    fake.status = [(200, running("FAILED", trace="it broke"))]
    assert main(["connectors", "status"]) == 1
    assert "it broke" in capsys.readouterr().out
    fake.put = [(400, {"message": "no"})]
    assert main(["connectors", "apply"]) == 1
    assert "twist: Kafka Connect answered PUT" in capsys.readouterr().err
