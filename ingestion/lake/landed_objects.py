"""The landing lake, a local folder or S3: opens it and lists its objects."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from obstore import list_with_delimiter
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import LocalStore

from ingestion.contract.topics import DEAD_LETTERS, LANDED_TOPICS
from ingestion.lake import object_keys
from ingestion.lake.folders import Folder, list_folder
from ingestion.lake.object_text import first_line
from ingestion.s3 import bucket
from ingestion.settings import Settings, SettingsError, is_s3

if TYPE_CHECKING:
    from obstore.store import ObjectStore


NOT_READ = "it is not read: its folder or its name is not of the layout"
NOT_MEANT = (".", "_")
"""How names begin that are nobody's data: hidden files, markers such as _SUCCESS."""
UNFINISHED = (".part", ".tmp", ".crc")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LandedObject:
    """One listed object. `size` in bytes; `etag` changes whenever the content does.

    With an `error` it is a name that cannot be an object, or a folder that cannot be listed.
    """

    topic: str
    folder_hour: datetime
    key: str
    size: int = 0
    etag: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Listed:
    """Objects that a caller has found in the landing lake, and when (UTC)."""

    at: datetime
    objects: Sequence[LandedObject]


def open_store(settings: Settings) -> "ObjectStore":
    """Open the landing lake. A missing folder or bucket, or refused credentials, is an error."""
    if not is_s3(settings.landing_root):
        folder = Path(settings.landing_root)
        if not folder.is_dir():
            raise SettingsError(
                f"the landing folder {folder} does not exist: set TWIST_LANDING to the folder "
                "(or s3://bucket/prefix) that holds topics/, or run `make demo` to see an example"
            )
        return LocalStore(folder)
    store = bucket(settings, settings.landing_root)
    try:
        list_with_delimiter(store)
    except InvalidPathError:
        pass  # the store answers; a key in its root is no path
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError(
            f"the landing lake {settings.landing_root} cannot be listed: {first_line(error)}; "
            "check TWIST_LANDING, TWIST_S3_ENDPOINT, TWIST_S3_REGION, and TWIST_S3_ACCESS_KEY_ID "
            "and TWIST_S3_SECRET_ACCESS_KEY or the AWS_… credentials"
        ) from None
    return store


def list_landed(
    store: "ObjectStore", topic: str, since: datetime | None = None, *, unread: bool = False
) -> Iterator[LandedObject]:
    """List a topic's objects, one folder level at a time, from the hour `since` (UTC) on.

    Only folders that exist are visited, so a gap of a month costs nothing, and a folder of a
    producer whose clock runs ahead is found too. A folder that cannot be listed, or a name that
    cannot be an object, is returned with its error and hides no other; so are, where `unread`,
    folders and objects that are not of the layout.
    """
    for found in _listed(store, topic, since):
        if unread or found.error != NOT_READ:
            yield found


def _listed(
    store: "ObjectStore", topic: str, since: datetime | None = None
) -> Iterator[LandedObject]:
    since_day = since and since.replace(hour=0)
    days = list_folder(store, object_keys.topic_prefix(topic))
    yield from _others(topic, EPOCH, days, object_keys.folder_day)
    for day_prefix in days.folders:
        day = object_keys.folder_day(day_prefix)
        if day is None or (since_day and day < since_day):
            continue
        hours = list_folder(store, day_prefix)
        yield from _others(topic, day, hours, object_keys.folder_hour)
        for hour_prefix in hours.folders:
            hour = object_keys.folder_hour(hour_prefix)
            if hour is None or (since and hour < since):
                continue
            folder = list_folder(store, hour_prefix)
            yield from _others(topic, hour, folder, lambda _: None, object_keys.is_landed)
            for key, size, etag in folder.objects:
                if object_keys.is_landed(key):
                    yield LandedObject(topic, hour, key, size, etag)


def _others(
    topic: str,
    hour: datetime,
    found: Folder,
    is_folder: Callable[[str], datetime | None],
    is_object: Callable[[str], bool] = lambda _: False,
) -> Iterator[LandedObject]:
    """What a folder holds that is no object, or not of the layout."""
    yield from (LandedObject(topic, hour, *each) for each in found.odd)
    unread = [f"{folder}/" for folder in found.folders if is_folder(folder) is None]
    unread += [key for key, *_ in found.objects if not is_object(key)]
    for key in filter(is_meant, unread):
        yield LandedObject(topic, hour, key, error=NOT_READ)


def is_meant(key: str) -> bool:
    """Whether a key that is not read may be somebody's data, by its name."""
    name = key.rstrip("/").rpartition("/")[2]
    return not name.startswith(NOT_MEANT) and not name.endswith(UNFINISHED)


def beside_topics(store: "ObjectStore") -> list[LandedObject]:
    """What lies below `topics/` beside the folders of the topics: nobody reads it. One listing.

    None where `topics/` itself may not be listed: the topics' own folders may be.
    """
    found = list_folder(store, "topics")
    known = {object_keys.topic_prefix(topic) for topic in LANDED_TOPICS}
    return list(
        _others(
            DEAD_LETTERS,
            EPOCH,
            found._replace(odd=[]),
            lambda folder: EPOCH if folder in known else None,
        )
    )


def newest_folder(store: "ObjectStore", topic: str) -> datetime | None:
    """The newest hour folder of a topic."""
    for day_prefix in reversed(list_folder(store, object_keys.topic_prefix(topic)).folders):
        hours = map(object_keys.folder_hour, list_folder(store, day_prefix).folders)
        if newest := max(filter(None, hours), default=None):
            return newest
    return None
