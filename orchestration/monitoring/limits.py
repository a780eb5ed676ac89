"""When an age is amber or red: the rule behind both Dagster's checks and the overview."""

from datetime import timedelta
from typing import Literal

from ingestion.settings import Settings

Colour = Literal["green", "amber", "red"]


def limit_of(settings: Settings, topic: str) -> timedelta:
    """The age at which a topic's newest arrival turns red: TWIST_FRESH_<TOPIC>_MINUTES."""
    return timedelta(minutes=getattr(settings, f"fresh_{topic}_minutes"))


def colour_of(age: timedelta | None, limit: timedelta) -> Colour:
    """Green up to half of the limit, amber up to the limit, red beyond it or without an age."""
    if age is None or age > limit:
        return "red"
    return "amber" if age > limit / 2 else "green"


def in_words(seconds: float | None) -> str:
    """An age in the largest unit of which it has at least two."""
    if seconds is None:
        return "of unknown age and"
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds) // size} {unit}"
    return f"{int(seconds)} seconds"
