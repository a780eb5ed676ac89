"""Fresh or not, and who stopped: each check both ways, on the evidence and on a real lake."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import Settings, SettingsError
from orchestration.defs.freshness_checks import freshness_of_data, verdicts
from orchestration.defs.topic_assets import topic_key
from orchestration.monitoring import check_results
from orchestration.monitoring.freshness import Arrivals, Verdict, ask_connect, judge, judge_lag
from orchestration.warehouse.dbt_runner import DbtFailed
from tests.harness.minute_lines import landed, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import ago, free, lakehouse

CLICKS_STAGED = "source:earlier_staging.stg_clickstream__events"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SETTINGS = Settings(_env_file=None)


def minutes(count: float) -> datetime:
    return NOW - timedelta(minutes=count)


def judged(
    clicks: Arrivals,
    other: Arrivals | None = None,
    connect: str | None = None,
    writer: str = "",
) -> Verdict:
    quiet = Arrivals(minutes(5000), minutes(5000))
    seen = {"clickstream": clicks, "sku_availability": other or quiet, "product_catalog": quiet}
    return judge("clickstream", seen, SETTINGS, NOW, connect, writer)


def test_young_arrivals_are_green() -> None:
    assert judged(Arrivals(minutes(5), minutes(5))).colour == "green"
    assert judged(Arrivals(minutes(5), minutes(5), 3, minutes(1))).colour == "green"


@pytest.mark.parametrize(
    ("age", "colour"), [(7.4, "green"), (7.6, "amber"), (14.9, "amber"), (15.1, "red")]
)
def test_old_arrivals_are_amber_after_half_the_limit_and_red_after_it(
    age: float, colour: str
) -> None:
    assert judged(Arrivals(minutes(age), minutes(age))).colour == colour


@pytest.mark.parametrize(("waited", "colour"), [(7, "green"), (8, "amber"), (16, "red")])
def test_landed_objects_that_nobody_loads_are_the_loaders_fault(waited: int, colour: str) -> None:
    verdict = judged(Arrivals(minutes(5), minutes(1), 12, minutes(waited)))
    assert verdict.colour == colour
    assert (verdict.cause == "loader") == (colour != "green")
    if colour == "red":
        assert verdict.sentence.startswith(
            "the loader has stopped, or falls behind: 12 objects of clickstream landed and are "
            "not loaded, the oldest 16 minutes ago"
        )


def test_a_loader_that_waits_for_another_writer_has_not_stopped() -> None:
    landed = Arrivals(minutes(5), minutes(1), 12, minutes(16))
    verdict = judged(landed, writer="another process (pid 7)")
    assert (verdict.colour, verdict.cause) == ("red", "writer")
    assert verdict.sentence == (
        "a run waits until another process (pid 7) has written to the warehouse: 12 objects of "
        "clickstream landed and are not loaded, the oldest 16 minutes ago; see what that process "
        "does, and stop it if it hangs"
    )
    assert judged(Arrivals(minutes(5), minutes(5)), writer="another process").colour == "green"


OLD = Arrivals(minutes(30), minutes(30))


def test_nothing_lands_and_connect_says_it_failed() -> None:
    verdict = judged(OLD, connect="s3-sink task 0 is FAILED (no bucket)")
    assert (verdict.colour, verdict.cause) == ("red", "connect")
    assert "Kafka Connect has stopped: s3-sink task 0 is FAILED (no bucket)" in verdict.sentence


def test_nothing_lands_and_connect_runs_so_the_producer_has_stopped() -> None:
    verdict = judged(OLD, connect="")
    assert (verdict.colour, verdict.cause) == ("red", "producer")
    assert verdict.sentence.startswith("the producer of clickstream has stopped: the newest")


def test_nothing_of_one_topic_lands_while_another_does_so_its_producer_has_stopped() -> None:
    verdict = judged(OLD, other=Arrivals(minutes(1), minutes(1)))
    assert verdict.cause == "producer"
    assert "sku_availability keep landing" in verdict.sentence


def test_nothing_lands_at_all_and_nobody_can_be_asked() -> None:
    verdict = judged(OLD)
    assert verdict.cause == "producer or connect"
    assert "set TWIST_CONNECT_URL" in verdict.sentence


def test_objects_land_with_old_arrivals() -> None:
    assert judged(Arrivals(minutes(30), minutes(1))).cause == "backlog"


UNREAD = ("topics/clickstream/dt=2026-11-02/hour=11/clickstream+0+0000000000.json",)


def test_keys_that_are_not_read_make_a_fresh_topic_amber() -> None:
    verdict = judged(Arrivals(minutes(5), minutes(5), not_read=UNREAD))
    assert (verdict.colour, verdict.cause) == ("amber", "keys")
    assert verdict.sentence.startswith(f"keys of clickstream are not read: 1 not read: {UNREAD[0]}")
    assert "set s3.compression.type=gzip" in verdict.sentence


@pytest.mark.parametrize("landed", [1, 30])
@pytest.mark.parametrize("age", [10, 30, None])
def test_keys_that_are_not_read_are_the_cause_before_the_producer_and_a_backlog(
    age: int | None, landed: int
) -> None:
    clicks = Arrivals(minutes(age) if age else None, minutes(landed), not_read=UNREAD)
    other = Arrivals(minutes(1), minutes(1))
    for connect in (None, ""):
        verdict = judged(clicks, other, connect)
        assert (verdict.colour, verdict.cause) == ("amber" if age == 10 else "red", "keys")
        assert "set s3.compression.type=gzip" in verdict.sentence
    assert judged(replace(clicks, not_read=()), other, "").cause in ("producer", "backlog")


def test_a_connect_that_stopped_is_the_cause_before_keys_unless_they_keep_landing() -> None:
    failed = "s3-sink task 0 is FAILED (no bucket)"
    assert judged(replace(OLD, not_read=UNREAD), connect=failed).cause == "connect"
    landing = Arrivals(minutes(30), minutes(1), not_read=UNREAD)
    assert judged(landing, connect=failed).cause == "keys"


def test_a_topic_that_never_came_is_red() -> None:
    verdict = judged(Arrivals())
    assert verdict.colour == "red"
    assert "no clickstream event yet" in verdict.sentence


def test_the_lag_is_judged_by_the_clickstreams_limit_and_names_its_cause() -> None:
    fresh, stopped = judged(Arrivals(minutes(5), minutes(5))), judged(OLD, connect="")
    assert judge_lag(60, SETTINGS, fresh).colour == "green"
    red = judge_lag(1800, SETTINGS, stopped)
    assert (red.colour, red.cause) == ("red", "producer")
    assert red.sentence.startswith("the newest view is 30 minutes old; the producer of")
    assert judge_lag(None, SETTINGS, stopped).colour == "red"


def test_a_lag_behind_fresh_arrivals_is_the_models_or_old_events() -> None:
    red = judge_lag(1800, SETTINGS, judged(Arrivals(minutes(5), minutes(5))))
    assert (red.colour, red.cause) == ("red", "models")
    assert "the marts are behind, and the newest failed run of twist_live" in red.sentence
    assert red.sentence.endswith("or old events arrive")


@contextmanager
def connect(answer: Any, status: int = 200) -> Iterator[Settings]:
    """A Kafka Connect that gives this answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is http.server's
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Settings(_env_file=None, connect_url=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def connector(state: str, task: str, trace: str = "") -> dict[str, Any]:
    return {
        "connector": {"state": state},
        "tasks": [{"id": 0, "state": task} | ({"trace": trace} if trace else {})],
    }


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        (connector("RUNNING", "RUNNING"), 200, ""),
        (
            connector("RUNNING", "FAILED", "no bucket\n at …"),
            200,
            "tasks: FAILED (no bucket)",
        ),
        (connector("PAUSED", "PAUSED"), 200, "landing: PAUSED, tasks: PAUSED"),
        ({}, 404, "landing: MISSING, tasks: none yet"),
        ({}, 503, "answered GET /connectors/landing/status: 503"),
    ],
)
def test_connect_is_asked_for_its_connectors_and_tasks(
    answer: Any, status: int, problem: str
) -> None:
    with connect(answer, status) as settings:
        found = ask_connect(settings)
    assert found is not None
    assert problem in found
    assert bool(found) == bool(problem)


def test_a_connect_that_is_gone_does_not_answer_and_one_without_address_is_not_asked() -> None:
    with connect({}) as settings:
        pass
    assert "does not answer" in (ask_connect(settings) or "")
    assert ask_connect(SETTINGS) is None


def colours(shop: Pipeline) -> dict[str, tuple[str, str]]:
    found = verdicts(free(shop))
    return {
        key.asset_key.path[-1]: (verdict.colour, verdict.cause)
        for key, verdict in found.items()
        if key.name != "twist_is_in_its_band"
    }


def test_on_a_real_lake_each_standstill_is_told_from_the_others(shop: Pipeline) -> None:
    stopped = colours(shop)
    assert stopped["twist_now"][0] == stopped["landing_clickstream"][0] == "red"

    moment = ago(minutes=1)
    shop.deliver(landed(moment, view(moment), stock(moment), sku(moment)))
    assert colours(shop)["landing_clickstream"][1] != "fresh", "it landed, and is not loaded"
    shop.load()
    assert set(colours(shop).values()) == {("green", "fresh")}

    import os

    moment = ago(minutes=1)
    shop.deliver(waiting := landed(moment, view(moment)))
    for delivery in waiting:
        long_ago = (datetime.now(UTC) - timedelta(minutes=20)).timestamp()
        os.utime(shop.root / "landing" / delivery.key, (long_ago, long_ago))
    found = colours(shop)
    assert found["landing_clickstream"] == ("red", "loader")
    assert found["landing_sku_availability"] == ("green", "fresh")

    (shop.root / "landing" / "topics" / "shop.sku-availability.v1").mkdir()
    assert colours(shop)["landing_sku_availability"] == ("amber", "keys")


def test_a_line_ahead_of_the_clock_does_not_make_a_topic_fresh(shop: Pipeline) -> None:
    ahead = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=12)
    shop.query("begin")
    shop.query(
        "insert into twist.staging.stg_clickstream__events by name select * replace "
        f"(timestamp '{ahead:%Y-%m-%d %H:%M:%S}' as arrived_at) "
        "from twist.staging.stg_clickstream__events limit 1"
    )
    shop.query("commit")
    assert colours(shop)["landing_clickstream"][0] == "red", "the producer is silent for days"


def test_what_cannot_be_looked_at_any_more_does_not_stay_green(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    def tick(settings: Settings, cursor: str | None) -> Any:
        resources = {"lakehouse": lakehouse(settings)}
        return freshness_of_data(dg.build_sensor_context(instance, cursor, resources=resources))

    settings = free(shop)
    first = tick(settings, None)
    unmounted = settings.model_copy(update={"landing": str(shop.root / "unmounted")})
    second = tick(unmounted, first.cursor)
    assert len(second.asset_events) == 5
    assert {(e.passed, e.severity) for e in second.asset_events} == {
        (False, dg.AssetCheckSeverity.ERROR)
    }
    assert all("cannot be checked: " in (e.description or "") for e in second.asset_events)
    recorded = {check.sentence for check in check_results.recorded(settings)}
    assert any(sentence.startswith("cannot be checked: ") for sentence in recorded)
    assert isinstance(tick(unmounted, second.cursor), dg.SkipReason), "it was said already"


def test_the_sensor_reports_what_changed_and_is_quiet_otherwise(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    resource = lakehouse(free(shop))

    def tick(cursor: str | None) -> Any:
        context = dg.build_sensor_context(instance, cursor, resources={"lakehouse": resource})
        return freshness_of_data(context)

    first = tick(None)
    evaluations = {(e.asset_key, e.check_name): e for e in first.asset_events}
    assert len(evaluations) == 5
    red = evaluations[topic_key("clickstream"), "arrivals_are_fresh"]
    assert not red.passed
    assert red.severity == dg.AssetCheckSeverity.ERROR
    assert "clickstream is" in (red.description or "")
    assert isinstance(tick(first.cursor), dg.SkipReason)
    moment = ago(minutes=1)
    shop.deliver(landed(moment, view(moment)))
    shop.load()
    free(shop)
    second = tick(first.cursor)
    assert {e.asset_key.path[-1]: e.passed for e in second.asset_events}["landing_clickstream"]


def test_the_sensor_says_what_is_missing_before_the_first_load(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    nothing = free(shop).model_copy(update={"warehouse": str(shop.root / "none")})
    context = dg.build_sensor_context(instance, resources={"lakehouse": lakehouse(nothing)})
    answer = freshness_of_data(context)
    assert isinstance(answer, dg.SkipReason)
    assert "run `make load`" in (answer.skip_message or "")
    with pytest.raises(SettingsError, match="run `make load`"):
        verdicts(lakehouse(nothing).settings())


def test_a_first_load_that_is_under_way_is_waited_for(
    shop: Pipeline, instance: dg.DagsterInstance
) -> None:
    shop.query("drop view twist.marts.twist_now")
    context = dg.build_sensor_context(instance, resources={"lakehouse": lakehouse(free(shop))})
    answer = freshness_of_data(context)
    assert isinstance(answer, dg.SkipReason)
    assert "wait for its first load" in (answer.skip_message or "")


def test_dbts_own_source_freshness_judges_the_same_arrivals(shop: Pipeline) -> None:
    with pytest.raises(DbtFailed):
        shop.dbt.run("source", "freshness", "--select", CLICKS_STAGED)
    moment = ago(minutes=1)
    shop.deliver(landed(moment, view(moment)))
    shop.load()
    shop.dbt.run("source", "freshness", "--select", CLICKS_STAGED)
