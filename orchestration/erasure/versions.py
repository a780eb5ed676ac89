"""Old versions of objects: a bucket that keeps them still has what was rewritten or deleted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ingestion.s3 import sdk_client
from ingestion.settings import Settings, TwistError
from orchestration.progress import progress

AT_ONCE = 200
"""Versions that are read with the same credentials, which hold for ten minutes."""
KEEPS_NONE = ("NotImplemented", "MethodNotAllowed", "501", "405")
"""How a store answers that knows no versions."""


class VersionsUnknown(TwistError):
    """Old versions can be neither listed nor deleted; the message says which right is needed."""


@dataclass(frozen=True)
class OldVersion:
    """A version of an object that another version or a deletion has replaced."""

    key: str
    """From the place that was given."""
    version: str
    data: bytes
    delete: Callable[[], None]


def old_versions(settings: Settings, place: str) -> Iterator[OldVersion]:
    """The old versions below `s3://bucket/prefix`, in memory one by one.

    Raises:
        VersionsUnknown: this user may not list, read or delete them.
    """
    from botocore.exceptions import ClientError

    bucket, _, prefix = place.removeprefix("s3://").rstrip("/").partition("/")
    below = f"{prefix}/" if prefix else ""
    after: dict[str, str] = {}
    while True:
        progress()
        client = sdk_client(settings)
        try:
            page = client.list_object_versions(
                Bucket=bucket, Prefix=below, MaxKeys=AT_ONCE, **after
            )
            for found in page.get("Versions", ()):
                if not found["IsLatest"]:
                    yield from _read(client, bucket, below, found)
        except ClientError as error:
            if error.response["Error"]["Code"] in KEEPS_NONE:
                return
            raise VersionsUnknown(
                f"old versions of the objects in {place} may hold what was erased, and this user "
                f"may not list, read and delete them ({error}): give it s3:ListBucketVersions, "
                "s3:GetObjectVersion and s3:DeleteObjectVersion there, and run it again"
            ) from None
        if not page.get("IsTruncated"):
            return
        after = {
            name.removeprefix("Next"): page[name]
            for name in ("NextKeyMarker", "NextVersionIdMarker")
            if page.get(name)
        }


def _read(client: Any, bucket: str, below: str, found: dict[str, Any]) -> Iterator[OldVersion]:
    progress()
    one = {"Bucket": bucket, "Key": found["Key"], "VersionId": found["VersionId"]}
    try:
        data = client.get_object(**one)["Body"].read()
    except client.exceptions.NoSuchKey:
        return  # the bucket's lifecycle was faster
    yield OldVersion(
        found["Key"].removeprefix(below), found["VersionId"], data,
        lambda: client.delete_object(**one),
    )  # fmt: skip
