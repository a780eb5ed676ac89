"""The landing lake, a local folder or S3: opens it and lists its objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from obstore import list_with_delimiter
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from ingestion.lake import object_keys
from ingestion.lake.object_text import first_line, plain_etag
from ingestion.s3 import bucket
from ingestion.settings import Settings, SettingsError, is_s3

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@dataclass(frozen=True)
class LandedObject:
    """One listed object. `size` in bytes; `etag` changes whenever the content does."""

    topic: str
    folder_hour: datetime
    key: str
    size: int
    etag: str


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
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError(
            f"the landing lake {settings.landing_root} cannot be listed: {first_line(error)}; "
            "check TWIST_LANDING, TWIST_S3_ENDPOINT, TWIST_S3_REGION, and TWIST_S3_ACCESS_KEY_ID "
            "and TWIST_S3_SECRET_ACCESS_KEY or the AWS_… credentials"
        ) from None
    return store


def list_landed(
    store: "ObjectStore", topic: str, since: datetime | None = None
) -> Iterator[LandedObject]:
    """List a topic's objects, one folder level at a time, from the hour `since` (UTC) on.

    Only folders that exist are visited, so a gap of a month costs nothing, and a folder of a
    producer whose clock runs ahead is found too.
    """
    since_day = since and since.replace(hour=0)
    for day_prefix in _folders(store, object_keys.topic_prefix(topic)):
        day = object_keys.folder_day(day_prefix)
        if day is None or (since_day and day < since_day):
            continue
        for hour_prefix in _folders(store, day_prefix):
            hour = object_keys.folder_hour(hour_prefix)
            if hour is None or (since and hour < since):
                continue
            for found in list_with_delimiter(store, hour_prefix)["objects"]:
                if object_keys.is_landed(found["path"]):
                    yield LandedObject(
                        topic, hour, found["path"], found["size"], plain_etag(found["e_tag"])
                    )


def newest_folder(store: "ObjectStore", topic: str) -> datetime | None:
    """The newest hour folder of a topic."""
    for day_prefix in sorted(_folders(store, object_keys.topic_prefix(topic)), reverse=True):
        hours = map(object_keys.folder_hour, _folders(store, day_prefix))
        if newest := max(filter(None, hours), default=None):
            return newest
    return None


def _folders(store: "ObjectStore", prefix: str) -> list[str]:
    return sorted(list_with_delimiter(store, prefix)["common_prefixes"])
