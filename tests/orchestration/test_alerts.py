"""Alerts: posted once when something turns red and once when it recovers, to a local webhook."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.run_sensors import alerts
from orchestration.monitoring.alert_messages import Changes, changes, message

REPOSITORY = defs.get_repository_def()
CHECK = dg.AssetCheckKey(dg.AssetKey(["landing", "landing_clickstream"]), "arrivals_are_fresh")


class Webhook:
    """What was posted, and what it answers."""

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.status = 200


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(hook.status)
            self.end_headers()
            if hook.status == 200:
                hook.posts.append(json.loads(body)["text"])

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TWIST_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/secret")
    yield hook
    server.shutdown()
    server.server_close()


class Bell:
    """The sensor, with its cursor."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.cursor = instance, None

    def look(self) -> Any:
        context = dg.build_sensor_context(
            self.instance,
            self.cursor,
            repository_def=REPOSITORY,
            resources={"lakehouse": Lakehouse()},
        )
        result = alerts(context)
        self.cursor = getattr(result, "cursor", None)
        return result


def evaluate(instance: dg.DagsterInstance, passed: bool, severity: str = "ERROR") -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=CHECK.asset_key,
            check_name=CHECK.name,
            passed=passed,
            severity=dg.AssetCheckSeverity(severity),
            description="the producer of clickstream has stopped",
        )
    )


def finish(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> None:
    instance.create_run_for_job(defs.resolve_job_def(job), status=status)


def test_a_failed_check_is_posted_once_and_its_recovery_once(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    bell = Bell(instance)
    bell.look()
    evaluate(instance, passed=False)
    for _ in range(3):
        bell.look()
    evaluate(instance, passed=False)
    bell.look()
    assert webhook.posts == [
        ":red_circle: *check landing/landing_clickstream arrivals_are_fresh*: "
        "the producer of clickstream has stopped"
    ]
    evaluate(instance, passed=True)
    for _ in range(3):
        bell.look()
    assert webhook.posts[1:] == [
        ":large_green_circle: *check landing/landing_clickstream arrivals_are_fresh*: recovered"
    ]


def test_an_amber_check_wakes_nobody(instance: dg.DagsterInstance, webhook: Webhook) -> None:
    evaluate(instance, passed=False, severity="WARN")
    Bell(instance).look()
    assert webhook.posts == []


@pytest.mark.ci
def test_a_failed_run_is_posted_until_a_later_run_of_the_job_succeeds(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    bell = Bell(instance)
    finish(instance, "twist_load", dg.DagsterRunStatus.FAILURE)
    bell.look()
    finish(instance, "twist_load", dg.DagsterRunStatus.STARTED)
    bell.look()
    (post,) = webhook.posts
    assert post.startswith(":red_circle: *run of twist_load*: failed; see the log of run")
    finish(instance, "twist_load", dg.DagsterRunStatus.SUCCESS)
    bell.look()
    assert webhook.posts[1:] == [":large_green_circle: *run of twist_load*: recovered"]


def test_a_stale_asset_is_posted_and_its_recovery(
    instance: dg.DagsterInstance, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from dagster._core.definitions.freshness import FreshnessState

    state = FreshnessState.FAIL
    key = dg.AssetKey(["marts", "fct_twist"])
    monkeypatch.setattr(
        type(instance),
        "get_freshness_state_records",
        lambda *_: {key: SimpleNamespace(freshness_state=state)},
    )
    bell = Bell(instance)
    bell.look()
    state = FreshnessState.PASS
    bell.look()
    assert webhook.posts == [
        ":red_circle: *asset marts/fct_twist*: stale: no recent load has brought it up to date",
        ":large_green_circle: *asset marts/fct_twist*: recovered",
    ]


def test_an_alert_that_is_not_accepted_is_posted_again_and_the_address_is_not_told(
    instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    bell = Bell(instance)
    evaluate(instance, passed=False)
    webhook.status = 500
    with pytest.raises(RuntimeError, match="answered 500: check TWIST_ALERT_WEBHOOK") as raised:
        bell.look()
    assert "secret" not in str(raised.value)
    webhook.status = 200
    bell.look()
    assert len(webhook.posts) == 1


def test_without_a_webhook_the_sensor_says_that_nobody_is_told(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_ALERT_WEBHOOK", "")
    assert "no alert is sent" in (Bell(instance).look().skip_message or "")


def test_what_changed_is_what_began_and_what_is_over() -> None:
    assert changes({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == Changes({"c": "4"}, {"a": "1"})


def test_a_flood_is_one_post_of_bounded_length() -> None:
    text = message(changes({}, {f"check {n}": "red" for n in range(50)}))["text"]
    assert text.endswith("… and 30 more: see Dagster")
    assert len(text.splitlines()) == 21
