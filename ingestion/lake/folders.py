"""One level of the landing lake: the folders and objects of a folder, and what is neither."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from obstore import list_with_delimiter
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import LocalStore

from ingestion.lake.object_text import first_line, plain_etag
from ingestion.s3 import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore

NOT_LISTED = "cannot be listed"
NO_FILE = "no regular file: it is a link, a pipe or a device"
NO_PATH = "no path: its key has an empty part, one of dots, or control characters"
_NO_PATH = re.compile(r"(^|/)\.{0,2}(/|$)|[\0-\x1f\x7f]")
"""What obstore refuses in a key."""


class Folder(NamedTuple):
    """What a folder holds: folders, objects (key, size, etag), and what is neither."""

    folders: list[str]
    objects: list[tuple[str, int, str]]
    odd: "list[Odd]"


Odd = tuple[str, int, str, str]
"""Key, 0, '' and why it is no object: the fields of a LandedObject."""


def list_folder(store: "ObjectStore", prefix: str) -> Folder:
    """A folder's entries. One that cannot be listed is odd itself; a missing one is empty."""
    try:
        if isinstance(store, LocalStore):
            return _local_folder(Path(str(store.prefix)), prefix)
        return _folder(store, prefix)
    except (BaseError, OSError, ValueError) as error:
        return Folder([], [], [(prefix, 0, "", f"{NOT_LISTED}: {first_line(error)}")])


def _folder(store: "ObjectStore", prefix: str) -> Folder:
    try:
        found = list_with_delimiter(store, prefix)
    except InvalidPathError:
        if isinstance(store, Bucket):
            return _folder_with_odd_keys(store, prefix)
        raise
    objects = [
        (each["path"], each["size"], plain_etag(each["e_tag"]))
        for each in found["objects"]
        if each["path"] != prefix  # S3's console creates such an object for each folder
    ]
    return Folder(sorted(found["common_prefixes"]), objects, [])


def _folder_with_odd_keys(store: Bucket, prefix: str) -> Folder:
    """The same by AWS's own client: obstore lists nothing if it refuses one of the keys."""
    folders, objects, odd = [], [], list[Odd]()
    for page in store.pages(f"{prefix}/", "/"):
        for key in page.folders:
            if _NO_PATH.search(key.removesuffix("/")):
                odd.append((_shown(key), 0, "", NO_PATH))
            else:
                folders.append(key.removesuffix("/"))
        for key, size, etag in page.objects:
            if _NO_PATH.search(key.removesuffix("/")):
                odd.append((_shown(key), 0, "", NO_PATH))
            elif key != f"{prefix}/":
                objects.append((key, size, plain_etag(etag)))
    return Folder(sorted(folders), objects, odd)


def _local_folder(root: Path, prefix: str) -> Folder:
    """The same of a folder on disk: obstore's listing ends at the first name that it refuses.

    Raises:
        OSError: it may not be listed, or a link leads out of the lake.
    """
    folders, objects, odd = [], [], list[Odd]()
    if not Path(os.path.realpath(root / prefix)).is_relative_to(os.path.realpath(root)):
        raise OSError("it is a link that leads out of the lake")
    try:
        entries = sorted(os.scandir(root / prefix), key=lambda entry: os.fsencode(entry.name))
    except FileNotFoundError:
        return Folder([], [], [])
    for entry in entries:
        key = f"{prefix}/{entry.name}"
        if not entry.name.isprintable():
            shown = _shown(os.fsencode(key).decode(errors="backslashreplace"))
            odd.append((shown, 0, "", "its name is not UTF-8, or has control characters"))
        elif entry.is_dir(follow_symlinks=False):
            folders.append(key)
        elif entry.is_file(follow_symlinks=False):
            try:
                about = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # a temporary file that has its name by now, or an erased one
                continue
            # The etag is obstore's, which reads the file.
            etag = f"{about.st_ino:x}-{about.st_mtime_ns // 1000:x}-{about.st_size:x}"
            objects.append((key, about.st_size, etag))
        else:
            odd.append((key, 0, "", NO_FILE))
    return Folder(folders, objects, odd)


def _shown(key: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in key)
