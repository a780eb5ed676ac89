"""Freshness of data as asset checks, evaluated outside of runs: red also when nothing runs."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.contract.topics import TOPICS
from ingestion.settings import Settings, SettingsError
from orchestration.defs.dagster_results import as_evaluation
from orchestration.defs.lakehouse import Lakehouse
from orchestration.defs.topic_assets import topic_key
from orchestration.monitoring.band import fallen, judge_band
from orchestration.monitoring.check_results import Check, Status, record
from orchestration.monitoring.freshness import Verdict, ask_connect, judge, judge_lag, observe
from orchestration.monitoring.runbook import with_entry
from orchestration.warehouse.write_queue import waited_for

TWIST_NOW = dg.AssetKey(["marts", "twist_now"])
REPORT_SECONDS = 300
SPECS = [
    *(
        dg.AssetCheckSpec(
            "arrivals_are_fresh",
            asset=topic_key(topic),
            description=with_entry(
                f"Lines of {topic} keep arriving; limit: TWIST_FRESH_{topic.upper()}_MINUTES. "
                "On failure, names what stopped",
                "arrivals_are_fresh",
            ),
        )
        for topic in TOPICS
    ),
    dg.AssetCheckSpec(
        "lag_is_small",
        asset=TWIST_NOW,
        description=with_entry(
            "The newest view is recent; limit: TWIST_FRESH_CLICKSTREAM_MINUTES", "lag_is_small"
        ),
    ),
    dg.AssetCheckSpec(
        "twist_is_in_its_band",
        asset=TWIST_NOW,
        description=with_entry(
            "No channel, department or brand had an hour below that of the 14 days before "
            "(marts.twist_below_band). On failure, names them",
            "twist_is_in_its_band",
        ),
    ),
]


def verdicts(settings: Settings) -> dict[dg.AssetCheckKey, Verdict]:
    """The current verdict of each check."""
    now = datetime.now(UTC)
    seen, lag = observe(settings, now)
    connect_problem = ask_connect(settings)
    writer = waited_for(settings.warehouse_root)
    of_topics = [judge(topic, seen, settings, now, connect_problem, writer) for topic in TOPICS]
    of_lag = judge_lag(lag, settings, of_topics[TOPICS.index("clickstream")])
    judged = [*of_topics, of_lag, judge_band(fallen(settings))]
    found = {spec.key: verdict for spec, verdict in zip(SPECS, judged, strict=True)}
    _record(settings, found)
    return found


def _unknown(why: str) -> dict[dg.AssetCheckKey, Verdict]:
    """The verdict of each check where nothing can be seen: the last one must not stay green."""
    return {spec.key: Verdict("red", "unknown", f"cannot be checked: {why}") for spec in SPECS}


def _record(settings: Settings, found: dict[dg.AssetCheckKey, Verdict]) -> None:
    record(settings, (_as_check(spec, found[spec.key]) for spec in SPECS))


def _as_check(spec: dg.AssetCheckSpec, verdict: Verdict) -> Check:
    status: dict[str, Status] = {"green": "passed", "amber": "warned", "red": "failed"}
    table = spec.asset_key.to_user_string()
    return Check("freshness", spec.name, status[verdict.colour], verdict.sentence, table)


def check_result(spec: dg.AssetCheckSpec, verdict: Verdict) -> dg.AssetCheckResult:
    """A verdict as a check result: amber is a warning, red an error."""
    is_red = verdict.colour == "red"
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=verdict.colour == "green",
        severity=dg.AssetCheckSeverity.ERROR if is_red else dg.AssetCheckSeverity.WARN,
        description=verdict.sentence,
        metadata={"cause": verdict.cause},
    )


@dg.multi_asset_check(specs=SPECS, can_subset=True)
def data_freshness(
    context: dg.AssetCheckExecutionContext, lakehouse: Lakehouse
) -> Iterator[dg.AssetCheckResult]:
    """The checks when run by hand from the UI; the sensor below runs them automatically."""
    found = verdicts(lakehouse.settings())
    for spec in SPECS:
        if spec.key in context.selected_asset_check_keys:
            yield check_result(spec, found[spec.key])


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Checks the freshness of data; reports changes, and everything every 5 minutes. "
    "Red too where lake or warehouse cannot be looked at.",
)
def freshness_of_data(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> Any:
    """Check the lake, the warehouse and Connect."""
    try:
        found = verdicts(lakehouse.settings())
    except SettingsError as error:
        if not context.cursor:  # nothing was ever judged: there is no warehouse yet
            return dg.SkipReason(str(error))
        found = _unknown(str(error))
        with suppress(OSError):  # the warehouse's folder may be what is away
            _record(lakehouse.settings(), found)
    before = json.loads(context.cursor or "{}")
    state = {f"{k.asset_key.to_user_string()} {k.name}": [v.colour, v.cause]
             for k, v in found.items()}  # fmt: skip
    if before.get("state") == state and time.time() - before["at"] < REPORT_SECONDS:
        return dg.SkipReason("; ".join(verdict.sentence for verdict in found.values()))
    return dg.SensorResult(
        asset_events=[as_evaluation(check_result(spec, found[spec.key])) for spec in SPECS],
        cursor=json.dumps({"state": state, "at": time.time()}),
    )
