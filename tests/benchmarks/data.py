"""The input: landing lakes under `.data/bench`, made once for each size and kept.

<size>/day/landing      the day, in files of an hour: what `ours`, Spark and the hand script read
<size>/steps/whole      thirty days behind it, the day, and the first hour after midnight
"""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from ingestion.lake.object_keys import folder_hour, object_key
from ingestion.simulation.landing_writer import land
from ingestion.simulation.retailer.arrivals import DELAY_MS
from ingestion.simulation.simulator import Record, RetailerConfig, events
from tests.benchmarks.sizes import DAY, HISTORY_DAYS, PEAK_HOUR, Size

Say = Callable[[str], None]


def day_landing(size: Size, root: Path, say: Say) -> Path:
    """The landing lake of the day."""
    return _made(root / size.name / "day", size.day, lambda: events(size.day), say)


def whole_landing(size: Size, root: Path, say: Say) -> Path:
    """Thirty days, the day, and an hour more, in one log.

    All stock is counted at the first instant of the thirty days, at the volume of the day, and
    never again: so each day's openings are as many as the day's.
    """
    counted = replace(size.evening, start=size.past.start)

    def records() -> Iterator[list[Record]]:
        opening = [record for record in next(events(counted)) if _is_opening(record, counted)]
        yield opening
        for config in (size.past, size.evening):
            for batch in events(config):
                yield [record for record in batch if not _is_opening(record, config)]

    return _made(root / size.name / "steps", size, records, say)


def _is_opening(record: Record, config: RetailerConfig) -> bool:
    """Whether this is the catalog or a count of the period's first instant."""
    first = int(config.start.timestamp() * 1000) + DELAY_MS
    return record.topic != "clickstream" and record.timestamp <= first


def _made(
    folder: Path, recipe: object, records: Callable[[], Iterator[list[Record]]], say: Say
) -> Path:
    """The landing lake in a folder; made anew where it is missing, half made or of other knobs."""
    made, landing = folder / "made.txt", folder / "landing"
    if not made.exists() or made.read_text() != repr(recipe):
        say(f"making the input: {landing} …")
        shutil.rmtree(folder, ignore_errors=True)
        config = recipe if isinstance(recipe, RetailerConfig) else recipe.day  # type: ignore[attr-defined]
        summary = land(chain(records()), config, landing)
        made.write_text(repr(recipe))
        say(f"  {summary.objects:,} objects, {summary.lines:,} lines, {summary.bytes:,} bytes")
    return landing


def lay_behind(whole: Path, landing: Path, days_behind: int) -> None:
    """Lay what lies behind the steps: the count of all stock, as many days as said in all, and the
    day until its evening. Files are linked, not copied.
    """
    shutil.rmtree(landing, ignore_errors=True)
    first = DAY - timedelta(days=HISTORY_DAYS)
    since = DAY - timedelta(days=days_behind - 1)
    evening = DAY + timedelta(hours=PEAK_HOUR)
    for path in sorted(whole.rglob("*.json.gz")):
        hour = folder_hour(path.relative_to(whole).as_posix())
        assert hour is not None
        if hour == first or since <= hour < evening:
            target = landing / path.relative_to(whole)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(path)


def land_slice(whole: Path, landing: Path, begin: datetime, seconds: int) -> int:
    """Land what arrived in so many seconds, in files of their own; return how many lines.

    What the sink delivered a second time comes with the first slice of its hour.
    """
    hour = begin.replace(minute=0, second=0)
    first = 0 if begin == hour else int(begin.timestamp() * 1000)
    last = int(begin.timestamp() * 1000) + seconds * 1000
    landed = 0
    for path in sorted(whole.glob(f"topics/*/dt={hour:%Y-%m-%d}/hour={hour:%H}/*.json.gz")):
        lines = [
            line
            for line in gzip.decompress(path.read_bytes()).splitlines()
            if first <= int(line[line.rindex(b":") + 1 : -1]) < last
        ]
        if lines:
            position = json.loads(lines[0])
            key = object_key(position["_topic"], begin, position["_partition"], position["_offset"])
            _put(landing / key, b"\n".join(lines) + b"\n")
            landed += len(lines)
    return landed


def _put(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(gzip.compress(text, 6, mtime=0))
    part.replace(path)
