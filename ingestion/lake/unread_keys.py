"""Keys of a lake that the loader does not read: what they are, and what would make it read them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from obstore import list as list_objects
from obstore.exceptions import InvalidPathError

from ingestion.contract.topics import LANDED_TOPICS, TOPICS
from ingestion.lake import object_keys
from ingestion.lake.landed_objects import is_meant
from ingestion.s3 import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SHOWN = 3
LOOKED_AT = 1000
READS = (
    "the loader reads topics/<topic>/dt=YYYY-MM-DD/hour=HH/<name>.json.gz (UTC) of the topics "
    + ", ".join(TOPICS)
)
_PARTITIONED = r"(year|month|day|hour|partition|date)=[^/]*/"


def hint(key: str) -> str:
    """The setting or the connector's property that would make the loader read such a key."""
    topic, at, rest = next(
        (
            (topic, key.find(f"{topic}/"), key.partition(f"{topic}/")[2])
            for topic in LANDED_TOPICS
            if re.search(rf"(^|/){topic}/", key)
        ),
        ("", 0, ""),
    )
    if not topic:
        return (
            f"its topic is none of {', '.join(TOPICS)}: route it to one of them in the connector "
            "(transforms with RegexRouter, or a topic of that name)"
        )
    before = key[:at].rstrip("/")
    if re.match(r"dt=[^/]*/hour=[^/]*/", rest):
        if before != "topics":
            place = before.removesuffix("topics").rstrip("/")
            if before.endswith("topics") and place:
                return f"set TWIST_LANDING to its folder {place}"
            return "set TWIST_LANDING to the folder above, which holds topics/ (topics.dir=topics)"
        if not key.endswith(object_keys.SUFFIX):
            return "set s3.compression.type=gzip and format.class=…JsonFormat in the connector"
    if re.match(_PARTITIONED, rest):
        return (
            "set partitioner.class=…TimeBasedPartitioner and path.format='dt'=YYYY-MM-dd/'hour'=HH "
            "in the connector"
        )
    return (
        "set topics.dir, partitioner.class, path.format and s3.compression.type as in "
        "ingestion/connect/connectors/landing.json"
    )


def found_instead(store: "ObjectStore") -> list[str]:
    """Some keys of a lake in which nothing is recognized; none where it is empty, or something is.

    In a lake that is read, the first key is usually recognized: that is one request.
    """
    shown = list[str]()
    for key in _keys(store):
        if object_keys.is_landed(key) and key.split("/")[1] in LANDED_TOPICS:
            return []
        if len(shown) < SHOWN and is_meant(key):
            shown.append(key)
    return shown


def _keys(store: "ObjectStore") -> Iterator[str]:
    """The keys of objects that hold something: S3 marks a folder by an empty object."""
    try:
        for page in islice(list_objects(store), LOOKED_AT):
            for each in page:
                if each["size"] and not each["path"].startswith("."):
                    yield each["path"]
    except InvalidPathError:  # one key is no path, and obstore lists none
        if isinstance(store, Bucket):
            for found in islice(store.pages("", ""), LOOKED_AT):
                yield from (key for key, size, _ in found.objects if size)


def meant_for(topic: str, key: str) -> bool:
    """Whether a key beside the topics' folders may be of this topic, by its name.

    What names no topic may be another team's: a load's line shows it, and no check.
    """
    return topic in key.lower().replace("-", "_")


def sentence(place: str, keys: Sequence[str]) -> str:
    """Nothing in a lake is recognized: what lies there, what is read, and what to change."""
    return f"nothing in {place} is recognized: it holds {', '.join(keys)}; {READS}: {hint(keys[0])}"


def warning(keys: Iterable[str]) -> str:
    """What the line of a load says about keys that were not read; '' where there are none."""
    found = sorted(keys)
    if not found:
        return ""
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    shown = ", ".join(found[:SHOWN])
    return f"{len(found):,} not read: {shown}{more}: {hint(found[0])}"
