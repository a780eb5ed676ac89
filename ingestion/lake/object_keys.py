"""The layout of the landing lake. The only code that builds or parses an object key.

    topics/<topic>/dt=YYYY-MM-DD/hour=HH/<topic>+<partition>+<start offset, 10 digits>.json.gz

The folder is the (UTC) hour in which the file was opened: used for listing only.
"""

import re
from datetime import UTC, datetime

SUFFIX = ".json.gz"

_FOLDER = re.compile(r"topics/[^/]+/dt=(\d{4})-(\d{2})-(\d{2})/hour=(\d{2})(?:/|$)", re.ASCII)


def topic_prefix(topic: str) -> str:
    """`clickstream` → `topics/clickstream`"""
    return f"topics/{topic}"


def day_folder(topic: str, day: datetime) -> str:
    """The folder of a topic's UTC day: `topics/clickstream/dt=2026-11-01`."""
    return f"{topic_prefix(topic)}/dt={day:%Y-%m-%d}"


def hour_folder(topic: str, hour: datetime) -> str:
    """The folder of a topic's UTC hour: `topics/clickstream/dt=2026-11-01/hour=07`."""
    return f"{day_folder(topic, hour)}/hour={hour:%H}"


def object_key(topic: str, opened: datetime, partition: int, start_offset: int) -> str:
    """The key of the file that `partition` opened at `opened` with `start_offset`."""
    name = f"{topic}+{partition}+{start_offset:010d}{SUFFIX}"
    return f"{hour_folder(topic, opened)}/{name}"


def folder_hour(key: str) -> datetime | None:
    """The hour of a folder or of an object in one; None where the key has no such folder."""
    match = _FOLDER.match(key)
    if not match:
        return None
    try:
        year, month, day, hour = map(int, match.groups())  # strptime takes ten times as long
        return datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError:
        return None


def folder_day(folder: str) -> datetime | None:
    """The day of a `…/dt=YYYY-MM-DD` folder; None for a folder of another name."""
    return folder_hour(f"{folder.rstrip('/')}/hour=00")


def is_landed(key: str) -> bool:
    """Whether the loader reads this object: a `.json.gz` in an hour folder, whatever its name."""
    return key.endswith(SUFFIX) and key.count("/") == 4 and folder_hour(key) is not None
