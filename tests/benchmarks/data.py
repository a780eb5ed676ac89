"""The input: landing lakes under `.data/bench`, made once for each size and kept.

<size>/day/landing      the day, in files of an hour: what `ours`, Spark and the hand script read
<size>/wide/landing     the same, with fields that we ignore on every clickstream line
<size>/object/landing   one object of very many clickstream lines
<size>/steps/landing    thirty days behind it, the day, and the first hour after midnight
"""

import gzip
import io
import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path

from ingestion.lake.object_keys import folder_hour, object_key
from ingestion.simulation.landing_writer import land
from ingestion.simulation.retailer.arrivals import DELAY_MS
from ingestion.simulation.simulator import Record, RetailerConfig, events
from ingestion.simulation.sink import GZIP_LEVEL
from tests.benchmarks.sizes import DAY, HISTORY_DAYS, PEAK_HOUR, Size

Say = Callable[[str], None]
CLICKS = "topics/clickstream/*/*/*.json.gz"
POSITION = b',"_topic":'
"""Where the sink's own fields begin."""

# What a web tracker sends too, before and after the fields that we know.
FRONT = b'{"page":{"type":"%b","position":%d},"screen_width": %d,'
BACK = b',"experiments":["checkout-%d","ranking-%d"],"note":"%b #%d","referrer_group":null'
PAGES = (b"product", b"list", b"search", b"outfit")
WIDTHS = (360, 390, 412, 768, 1280, 1440, 1920)
NOTES = (
    b"seen in the newsletter",
    "größer bestellen, Größe 38½ – très chic 👟".encode(),
    rb"said \"too small\",\nsends it back",
    rb"na\u00efve caf\u00e9 \u2013 https:\/\/shop.example\/sale {50 %}",
    "サイズ交換".encode(),
)


def day_landing(size: Size, root: Path, say: Say) -> Path:
    """The landing lake of the day."""
    folder = root / size.name / "day"
    return _made(folder, size.day, lambda to: land(events(size.day), size.day, to), say)


def wide_landing(size: Size, root: Path, say: Say) -> Path:
    """The same day with five fields that we ignore on every clickstream line."""
    day = day_landing(size, root, say)

    def make(landing: Path) -> None:
        for path in sorted(day.glob("topics/*/*/*/*.json.gz")):
            target = landing / path.relative_to(day)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.match(CLICKS):
                _pack(target, map(widened, _lines(path)))
            else:
                target.hardlink_to(path)

    recipe = (size.day, FRONT, BACK, PAGES, WIDTHS, NOTES)
    return _made(root / size.name / "wide", recipe, make, say)


def widened(line: bytes) -> bytes:
    """A landed line with five fields more. They depend on the event alone, so that a copy of it
    gets the same.
    """
    at = line.rindex(POSITION)
    event = line[1:at]
    number = zlib.crc32(event)
    front = FRONT % (PAGES[number % len(PAGES)], number % 48, WIDTHS[number % len(WIDTHS)])
    note = NOTES[number % len(NOTES)]
    return front + event + BACK % (number % 90, number % 7, note, number) + line[at:]


def object_landing(size: Size, root: Path, say: Say) -> Path:
    """One object: the day's clickstream lines, again under other ids until there are enough."""
    day = day_landing(size, root, say)

    def endless() -> Iterator[tuple[int, bytes]]:
        for again in count():
            for path in sorted(day.glob(CLICKS)):
                for line in _lines(path):
                    yield again, line

    def make(landing: Path) -> None:
        target = landing / object_key("clickstream", DAY, 0, 0)
        target.parent.mkdir(parents=True)
        numbered = enumerate(islice(endless(), size.object_lines))
        _pack(target, (_at(offset, *line) for offset, line in numbered))

    return _made(root / size.name / "object", (size.day, size.object_lines), make, say)


def _at(offset: int, again: int, line: bytes) -> bytes:
    """The line at that offset of partition 0, its event under another id."""
    event = line[: line.rindex(POSITION)].replace(b'"event_id":"', b'"event_id":"%d-' % again, 1)
    arrived = line[line.rindex(b":") + 1 :]
    position = b'%b"clickstream","_partition":0,"_offset":%d,"_timestamp":' % (POSITION, offset)
    return event + position + arrived


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

    folder = root / size.name / "steps"
    return _made(folder, size, lambda to: land(records(), size.day, to), say)


def _is_opening(record: Record, config: RetailerConfig) -> bool:
    """Whether this is the catalog or a count of the period's first instant."""
    first = int(config.start.timestamp() * 1000) + DELAY_MS
    return record.topic != "clickstream" and record.timestamp <= first


def _made(folder: Path, recipe: object, make: Callable[[Path], object], say: Say) -> Path:
    """The landing lake in a folder; made anew where it is missing, half made or of other knobs."""
    made, landing = folder / "made.txt", folder / "landing"
    if not made.exists() or made.read_text() != repr(recipe):
        say(f"making the input: {landing} …")
        shutil.rmtree(folder, ignore_errors=True)
        make(landing)
        made.write_text(repr(recipe))
        sizes = [path.stat().st_size for path in landing.rglob("*.json.gz")]
        say(f"  {len(sizes):,} objects, {sum(sizes):,} bytes")
    return landing


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as lines:
        yield from lines


def _pack(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines one by one, compressed as the simulated sink compresses them."""
    packed = gzip.GzipFile(path, "wb", GZIP_LEVEL, mtime=0)
    with io.BufferedWriter(packed, 1 << 20) as out:  # type: ignore[arg-type]
        out.writelines(lines)


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
