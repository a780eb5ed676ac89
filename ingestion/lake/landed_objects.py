"""The landing lake, a local folder or S3: lists its objects and reads them.

Nothing here trusts an object: a cut gzip stream, an empty file or a vanished key is a result
(`ObjectText.error`), never an exception that would stop the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from isal import isal_zlib
from obstore import get, list_with_delimiter
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from ingestion.lake import object_keys
from ingestion.s3 import bucket
from ingestion.settings import Settings, SettingsError, is_s3

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MAX_TEXT_BYTES = 1 << 30
"""An object that inflates to more than this is refused: a gzip bomb must not crash the loader."""


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


@dataclass(frozen=True)
class ObjectText:
    """One object as read: its text without the last newline, or why there is none.

    `text` is valid UTF-8, kept as bytes: decoding it, and encoding it again for DuckDB, would take
    longer than inflating it. `bad_lines` are the (1-based) lines that were not UTF-8; their bytes
    are escaped as `\\xNN`.
    """

    error: str | None = None
    etag: str | None = None
    size: int | None = None
    text: bytes | None = None
    line_count: int = 0
    bad_lines: tuple[int, ...] = ()


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
                        topic, hour, found["path"], found["size"], _etag(found["e_tag"])
                    )


def newest_folder(store: "ObjectStore", topic: str) -> datetime | None:
    """The newest hour folder of a topic."""
    for day_prefix in sorted(_folders(store, object_keys.topic_prefix(topic)), reverse=True):
        hours = map(object_keys.folder_hour, _folders(store, day_prefix))
        if newest := max(filter(None, hours), default=None):
            return newest
    return None


def read_text(store: "ObjectStore", key: str) -> ObjectText:
    """Read one object completely: checked gzip (every member, checksum and length), then UTF-8."""
    try:
        answer = get(store, key)
        body = bytes(answer.bytes())
    except (NotFoundError, FileNotFoundError):
        return ObjectText(error="vanished: it was listed, but is not there any more")
    except Exception as error:  # whatever a store raises must not stop the other objects
        return ObjectText(error=f"cannot be read: {first_line(error)}")
    etag, size = _etag(answer.meta["e_tag"]), len(body)
    try:
        content = _gunzip(body)
    except ValueError as error:
        return ObjectText(error=str(error), etag=etag, size=size)
    return _decode(content, etag, size)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, short enough for a table cell."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300]


def _folders(store: "ObjectStore", prefix: str) -> list[str]:
    return sorted(list_with_delimiter(store, prefix)["common_prefixes"])


def _etag(etag: str | None) -> str:
    return (etag or "").strip('"')


def _gunzip(body: bytes) -> bytes:
    if not body:
        raise ValueError("empty: 0 bytes, not even a gzip header")
    parts: list[bytes] = []
    inflated = 0
    while body:
        inflater = isal_zlib.decompressobj(31)
        try:
            parts.append(inflater.decompress(body, MAX_TEXT_BYTES - inflated + 1))
        except isal_zlib.error as error:  # type: ignore[misc]  # isal has no stubs
            kind = "not gzip" if not body.startswith(b"\x1f\x8b") else "damaged gzip"
            raise ValueError(f"{kind}: {first_line(error)}") from None
        inflated += len(parts[-1])
        if inflated > MAX_TEXT_BYTES:
            raise ValueError(f"too large: inflates to more than {MAX_TEXT_BYTES:,} bytes")
        if not inflater.eof:
            raise ValueError(f"cut: the gzip stream ends early, after {inflated:,} bytes of text")
        body = inflater.unused_data.lstrip(b"\0")  # zero bytes after a member are padding
    return b"".join(parts)


def _decode(content: bytes, etag: str, size: int) -> ObjectText:
    if not content:
        return ObjectText(etag=etag, size=size, text=b"")
    text = content.removesuffix(b"\n")
    line_count = text.count(b"\n") + 1
    bad: tuple[int, ...] = ()
    if not _is_utf8(text):
        lines = text.split(b"\n")
        bad = tuple(number for number, line in enumerate(lines, start=1) if not _is_utf8(line))
        for number in bad:
            lines[number - 1] = lines[number - 1].decode(errors="backslashreplace").encode()
        text = b"\n".join(lines)
    return ObjectText(etag=etag, size=size, text=text, line_count=line_count, bad_lines=bad)


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
