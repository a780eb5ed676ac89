"""How fresh the data is; and if it is not, what stopped: producer, Kafka Connect or loader.

Evidence, from the end of the chain to its beginning:
1. objects that landed and are not loaded: the loader has stopped, or waits for another writer
2. arrivals (Kafka timestamps) that are old, though everything that landed is loaded: nothing new
   arrives, so Connect or the producer has stopped; Connect's REST interface, or another topic that
   keeps landing, shows which
3. arrivals that are old while objects keep landing: a backlog or a replay, or a wrong clock
4. keys that are not read, before 2 and 3: what they hold may be what is missing
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from obstore import list_with_delimiter

from ingestion.connect.connect_client import status
from ingestion.contract.topics import STAGED, TOPICS
from ingestion.lake import landed_objects, object_keys
from ingestion.lake.unread_keys import meant_for, warning
from ingestion.settings import Settings, SettingsError
from orchestration.monitoring.limits import Colour, colour_of, in_words, limit_of
from orchestration.warehouse.engine_protocol import Query
from orchestration.warehouse.engines import engine_of

Cause = Literal[
    "fresh",
    "loader",
    "writer",
    "models",
    "connect",
    "producer",
    "producer or connect",
    "backlog",
    "usual",
    "fallen",
    "keys",
    "unknown",
]


AHEAD = timedelta(minutes=10)
"""By so much the clock of a broker may be ahead of this one's."""


@dataclass(frozen=True)
class Arrivals:
    """The state of a topic in lake and warehouse. Times are UTC with zone; None: there is none."""

    newest_arrival: datetime | None = None
    """Kafka timestamp of the newest staged line."""
    newest_landed: datetime | None = None
    """When the newest object was written."""
    waiting: int = 0
    """Landed objects that no load has processed."""
    waiting_since: datetime | None = None
    not_read: tuple[str, ...] = ()
    """Keys of the topic that are not of the layout."""


@dataclass(frozen=True)
class Verdict:
    """Green, amber (`passed` and not `fresh`) or red, the cause, and a sentence to display."""

    colour: Colour
    cause: Cause
    sentence: str


def judge(
    topic: str,
    seen: Mapping[str, Arrivals],
    settings: Settings,
    now: datetime,
    connect_problem: str | None = None,
    writer: str = "",
) -> Verdict:
    """The verdict on a topic.

    Args:
        connect_problem: As Connect reports it; '': none, None: unknown.
        writer: Who writes to the warehouse while another run waits for it; '': nobody waits.
    """
    of_topic = seen[topic]
    loader = timedelta(minutes=settings.fresh_loader_minutes)
    limit = limit_of(settings, topic)
    waited = _age(of_topic.waiting_since, now)
    if of_topic.waiting and waited and colour_of(waited, loader) != "green":
        objects = (
            f"{of_topic.waiting:,} objects of {topic} landed and are not loaded, the oldest "
            f"{_text(waited)} ago"
        )
        if writer:
            return Verdict(
                colour_of(waited, loader),
                "writer",
                f"a run waits until {writer} has written to the warehouse: {objects}; see what "
                "that process does, and stop it if it hangs",
            )
        return Verdict(
            colour_of(waited, loader),
            "loader",
            f"the loader has stopped, or falls behind: {objects}; see the runs of twist_live and "
            "twist_load, or run `make load`",
        )
    age = _age(of_topic.newest_arrival, now)
    colour = colour_of(age, limit)
    unread = f"keys of {topic} are not read: {warning(of_topic.not_read)}"
    if age and colour == "green":
        if of_topic.not_read:
            return Verdict("amber", "keys", unread)
        return Verdict(colour, "fresh", f"the newest arrival is {_text(age)} old")
    old = f"the newest arrival of {topic} is {_text(age)} old" if age else f"no {topic} event yet"
    landed = _age(of_topic.newest_landed, now)
    recent = landed if colour_of(landed, limit) == "green" else None
    if of_topic.not_read and (recent or not connect_problem):
        return Verdict(
            colour,
            "keys",
            f"{old}, and {unread}; if those keys are older, the producer or Kafka Connect has "
            "stopped",
        )
    if recent:
        return Verdict(
            colour,
            "backlog",
            f"{old}, but its newest object landed {_text(recent)} ago: Connect works through a "
            "backlog, or the producer replays old events or has a wrong clock",
        )
    if connect_problem:
        return Verdict(colour, "connect", f"Kafka Connect has stopped: {connect_problem}; {old}")
    others = [
        other
        for other, arrivals in seen.items()
        if other != topic and colour_of(_age(arrivals.newest_landed, now), limit) == "green"
    ]
    if connect_problem == "" or others:
        why = "Connect runs" if connect_problem == "" else f"{' and '.join(others)} keep landing"
        return Verdict(
            colour,
            "producer",
            f"the producer of {topic} has stopped: {old}, everything that landed is loaded, "
            f"and {why}",
        )
    return Verdict(
        colour,
        "producer or connect",
        f"the producer or Kafka Connect has stopped: {old}, and everything that landed is loaded; "
        "set TWIST_CONNECT_URL to tell which",
    )


def judge_lag(lag_seconds: int | None, settings: Settings, clickstream: Verdict) -> Verdict:
    """The verdict on the lag of marts.twist_now, by the limit of clickstream."""
    if lag_seconds is None:
        return Verdict("red", clickstream.cause, f"there is no view yet; {clickstream.sentence}")
    lag = timedelta(seconds=lag_seconds)
    sentence = f"the newest view is {_text(lag)} old"
    colour = colour_of(lag, limit_of(settings, "clickstream"))
    if colour == "green":
        return Verdict(colour, "fresh", sentence)
    if clickstream.cause == "fresh":
        return Verdict(
            colour,
            "models",
            f"{sentence}, though {clickstream.sentence}: either the marts are behind, and the "
            "newest failed run of twist_live or twist_load names the model, or old events arrive",
        )
    return Verdict(colour, clickstream.cause, f"{sentence}; {clickstream.sentence}")


def observe(settings: Settings, now: datetime) -> tuple[dict[str, Arrivals], int | None]:
    """Query lake and warehouse: arrivals by topic, and the lag of marts.twist_now in seconds.

    Raises:
        SettingsError: there is no landing lake, or no warehouse yet.
    """
    store = landed_objects.open_store(settings)
    engine = engine_of(settings)
    with engine.reader() as query:
        beside = [each.key for each in landed_objects.beside_topics(store)]
        seen = {topic: _arrivals(store, query, topic, settings, now, beside) for topic in TOPICS}
        lag = query(f"select lag_seconds from {engine.relation('marts', 'twist_now')}").rows
    return seen, lag[0][0] if lag else None


def _arrivals(
    store: Any, query: Query, topic: str, settings: Settings, now: datetime, beside: list[str]
) -> Arrivals:
    engine = engine_of(settings)
    audited = f"{engine.relation('audit', 'landed_objects')} where topic = '{topic}'"
    newest_folder = query(
        f"select max(folder_hour) from {audited} and folder_hour <= {_literal(now)}"
    ).rows[0][0]
    earliest = datetime(1970, 1, 2, tzinfo=UTC)
    since = newest_folder and max(newest_folder.replace(tzinfo=UTC), earliest) - timedelta(
        hours=settings.landing_slack_hours
    )
    everything = list(landed_objects.list_landed(store, topic, since, unread=True))
    listed = [each for each in everything if not each.error]
    bound = f" and folder_hour >= {_literal(since)}" if since else ""
    known = set(query(f"select object_key, etag from {audited}{bound}").rows)
    if not engine.knows_etags:  # NOS returns no etags: a rewritten key is known
        etags = {landed.key: landed.etag for landed in listed}
        known = {(key, etags.get(key)) for key, _ in known}
    waiting = [landed for landed in listed if (landed.key, landed.etag) not in known]
    hours = {landed.folder_hour for landed in waiting}
    hours |= {max(landed.folder_hour for landed in listed)} if listed else set()
    written = {
        found["path"]: found["last_modified"]
        for hour in hours
        for found in list_with_delimiter(store, object_keys.hour_folder(topic, hour))["objects"]
    }
    return Arrivals(
        _newest_arrival(query, settings, topic, now),
        max(written.values(), default=None),
        len(waiting),
        min((written[w.key] for w in waiting if w.key in written), default=None),
        (
            *(each.key for each in everything if each.error == landed_objects.NOT_READ),
            *(key for key in beside if meant_for(topic, key)),
        ),
    )


def _newest_arrival(query: Query, settings: Settings, topic: str, now: datetime) -> datetime | None:
    """The newest arrival; files without a recent one are opened only if there is no other.

    A line that is ahead of the clock says nothing about what arrives now: else one alone would keep
    a topic fresh for as long as it is ahead.
    """
    newest = (
        f"select max(arrived_at) from {engine_of(settings).relation('staging', STAGED[topic])} "
        f"where arrived_at <= {_literal(now + AHEAD)}"
    )
    recent = f"{newest} and arrived_at > {_literal(now - timedelta(hours=6))}"
    found = query(recent).rows[0][0] or query(newest).rows[0][0]
    return found.replace(tzinfo=UTC) if found else None


def _literal(moment: datetime) -> str:
    return f"timestamp '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def ask_connect(settings: Settings) -> str | None:
    """Which connectors do not run: '' when all of them do; None without TWIST_CONNECT_URL."""
    if not settings.connect_url:
        return None
    try:
        return "; ".join(map(str, filter(lambda found: not found.runs, status(settings))))
    except SettingsError as error:
        return str(error)


def _age(moment: datetime | None, now: datetime) -> timedelta | None:
    return None if moment is None else max(now - moment, timedelta(microseconds=1))


def _text(age: timedelta) -> str:
    return in_words(age.total_seconds())
