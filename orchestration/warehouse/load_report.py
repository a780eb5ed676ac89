"""What a load did."""

from dataclasses import dataclass
from datetime import datetime

from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.reader import STAGED, relation


@dataclass(frozen=True)
class LoadReport:
    """What a load did: sums over the objects it audited."""

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
    since: int = 0
    """The newest stamp before this load."""

    def __str__(self) -> str:
        letters = f", {self.dead_letters:,} dead letters" if self.dead_letters else ""
        newest = f"{self.newest_event:%Y-%m-%d %H:%M:%S}Z" if self.newest_event else "none"
        return (
            f"{self.objects:,} objects, {self.lines:,} lines: {self.loaded:,} loaded, "
            f"{self.duplicates:,} duplicates, {self.late:,} late, "
            f"{self.quarantined:,} quarantined{letters}; "
            f"newest event {newest}; {self.seconds:.1f} s"
        )


def report_since(settings: Settings, dbt: Dbt, since: int, seconds: float) -> LoadReport:
    """What was done since a stamp, by what the audit says."""
    objects = relation(settings, "audit", "landed_objects")
    letters = relation(settings, "audit", "dead_letters")
    counted = ("lines", "loaded", "duplicates", "late", "quarantined")
    sums = ", ".join(f"sum(cast({column} as bigint))" for column in counted)
    (counts,) = dbt.query(
        f"select count(*), {sums} from {objects} where load_id > {since} and status = 'loaded'"
    )
    ((dead,),) = dbt.query(f"select count(*) from {letters} where load_id > {since}")
    newest = [
        dbt.query(
            f"select max(event_ts) from {relation(settings, 'staging', STAGED[topic])} "
            f"where load_id > {since}"
        )[0][0]
        for topic in ("clickstream", "sku_availability")
    ]
    unreadable = dbt.query(
        f"select object_key, read_error from {objects} where status = 'unreadable'"
    )
    objects_read, lines, loaded, duplicates, late, quarantined = (int(n or 0) for n in counts)
    return LoadReport(
        *(objects_read, lines, loaded, duplicates, late, quarantined),
        int(dead),
        max((moment for moment in newest if moment), default=None),
        seconds,
        tuple(sorted((key, error or "") for key, error in unreadable)),
        since,
    )
