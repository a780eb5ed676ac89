"""What a load did, according to the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.contract.topics import STAGED
from ingestion.lake.landed_objects import NOT_READ
from ingestion.lake.unread_keys import warning
from ingestion.settings import Settings
from orchestration.warehouse.engines import engine_of


@dataclass(frozen=True)
class TopicCounts:
    """What a load audited of one topic; `bytes` are compressed."""

    topic: str
    objects: int
    lines: int
    loaded: int
    duplicates: int
    late: int
    quarantined: int
    bytes: int
    newest_folder: datetime | None


@dataclass(frozen=True)
class LoadReport:
    """What a load did: sums over its topics, and what it could not read: (object key, error)."""

    objects: int
    lines: int
    loaded: int
    duplicates: int
    late: int
    quarantined: int
    dead_letters: int
    newest_event: datetime | None
    seconds: float
    unreadable: tuple[tuple[str, str], ...]
    not_listed: tuple[tuple[str, str], ...] = ()
    """Folders that could not be listed, and names that cannot be objects: (key, reason)."""
    not_read: tuple[str, ...] = ()
    """Keys in the topics' folders that are not of the layout."""
    started_again: tuple[str, ...] = ()
    """Topics with a partition whose offsets have started again."""
    since: int = 0
    """The newest load_id before this load."""
    topics: tuple[TopicCounts, ...] = ()

    def __str__(self) -> str:
        letters = f", {self.dead_letters:,} dead letters" if self.dead_letters else ""
        newest = f"{self.newest_event:%Y-%m-%d %H:%M:%S}Z" if self.newest_event else "none"
        unread = warning(self.not_read)
        return (
            f"{self.objects:,} objects, {self.lines:,} lines: {self.loaded:,} loaded, "
            f"{self.duplicates:,} duplicates, {self.late:,} late, "
            f"{self.quarantined:,} quarantined{letters}; "
            f"newest event {newest}; {self.seconds:.1f} s{f'; {unread}' if unread else ''}"
        )


def report_since(
    settings: Settings,
    query: Callable[[str], list[tuple[Any, ...]]],
    since: int,
    seconds: float,
) -> LoadReport:
    """What was done since a load_id; `query` returns the rows of a query."""
    relation = engine_of(settings).relation
    objects = relation("audit", "landed_objects")
    counted = ("lines", "loaded", "duplicates", "late", "quarantined", "object_size")
    sums = ", ".join(f"sum(cast({column} as bigint))" for column in counted)
    audited = query(
        f"select topic, count(*), {sums}, max(folder_hour) from {objects} "
        f"where load_id > {since} and status = 'loaded' group by topic"
    )
    ((dead,),) = query(
        f"select count(*) from {relation('audit', 'dead_letters')} where load_id > {since}"
    )
    newest = [
        query(
            f"select max(event_ts) from {relation('staging', STAGED[topic])} "
            f"where load_id > {since}"
        )[0][0]
        for topic in ("clickstream", "sku_availability")
    ]
    unreadable = query(f"select object_key, read_error from {objects} where status = 'unreadable'")
    not_listed = query(
        f"select object_key, list_error from {relation('load', 'load_listing')} "
        "where list_error is not null"
    )
    started_again = query(
        f"select topic from {relation('audit', 'landed_offsets')} where era > 1 "
        f"group by topic, kafka_partition, era having min(first_load_id) > {since}"
    )
    topics = tuple(TopicCounts(*row) for row in sorted(audited))
    counts = ("objects", "lines", "loaded", "duplicates", "late", "quarantined")
    return LoadReport(
        **{count: sum(getattr(topic, count) for topic in topics) for count in counts},
        dead_letters=int(dead),
        newest_event=max((moment for moment in newest if moment), default=None),
        seconds=seconds,
        unreadable=tuple(sorted((key, error or "") for key, error in unreadable)),
        not_listed=tuple(sorted(each for each in not_listed if each[1] != NOT_READ)),
        not_read=tuple(sorted(key for key, reason in not_listed if reason == NOT_READ)),
        started_again=tuple(sorted({topic for (topic,) in started_again})),
        since=since,
        topics=topics,
    )
