"""What a load did."""

from dataclasses import dataclass
from datetime import datetime


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

    def __str__(self) -> str:
        letters = f", {self.dead_letters:,} dead letters" if self.dead_letters else ""
        newest = f"{self.newest_event:%Y-%m-%d %H:%M:%S}Z" if self.newest_event else "none"
        return (
            f"{self.objects:,} objects, {self.lines:,} lines: {self.loaded:,} loaded, "
            f"{self.duplicates:,} duplicates, {self.late:,} late, "
            f"{self.quarantined:,} quarantined{letters}; "
            f"newest event {newest}; {self.seconds:.1f} s"
        )
