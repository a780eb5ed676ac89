"""Rewrites landed objects without the persons to forget, each once, under its key.

A rewritten object has another etag, and the audit knows objects by etag: else the next load would
read it again, and set aside a second time what has no position. So what is to be written is noted
in a file first, and `settle` lets the audit follow; it also completes that after a kill.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isal import igzip
from obstore import get, head, put
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake.landed_objects import LandedObject, list_landed, open_store
from ingestion.lake.object_text import ObjectError, fetch, plain_etag, read_text
from ingestion.settings import Settings
from orchestration.erasure import tables
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engine_protocol import Engine
from orchestration.warehouse.private import with_usual_permissions

if TYPE_CHECKING:
    from obstore.store import ObjectStore

NOTES = "forget.objects"
"""A file in the warehouse's folder: a line for each object that is written, until all are known."""
EPOCH_OF_NOS = datetime(2000, 1, 1, tzinfo=UTC)
Erase = Callable[[bytes, str], tuple[bytes, list[str]]]
"""A text of whole lines and its topic → the text without the persons, and whose lines they were."""


@dataclass
class Rewritten:
    """What a pass over the landing lake did."""

    read: int
    rewritten: int
    by_visitor: Counter[str]
    """In how many objects each visitor was."""
    unreadable: list[str]
    """Keys of objects that cannot be read, and so cannot be rewritten."""


def rewrite(
    settings: Settings,
    engine: Engine,
    erase: Erase,
    say: Callable[[str], None],
    *,
    topics: tuple[str, ...] = LANDED_TOPICS,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Rewritten:
    """Rewrite the objects of the folders from `since` to `until` that `erase` changes.

    An object is in memory compressed, its text in pieces.
    """
    store = open_store(settings)
    done = Rewritten(0, 0, Counter(), [])
    with (settings.warehouse_root / NOTES).open("a") as notes:
        for topic in topics:
            for landed in list_landed(store, topic, since):
                if landed.error or (until and landed.folder_hour >= until):
                    continue
                done.read += 1
                try:
                    whose = _rewrite(store, engine, landed, erase, notes)
                except ObjectError:
                    done.unreadable.append(landed.key)
                    continue
                if whose is not None:
                    done.rewritten += 1
                    done.by_visitor.update(whose)
                    if done.rewritten % 1000 == 0:
                        say(f"{done.rewritten:,} of {done.read:,} objects rewritten …")
    return done


def _rewrite(
    store: "ObjectStore", engine: Engine, landed: LandedObject, erase: Erase, notes: Any
) -> set[str] | None:
    body = fetch(store, landed.key)
    pieces = read_text(body).pieces
    if not any(erase(piece, landed.topic)[0] != piece for piece in pieces):
        return None
    whose: set[str] = set()
    new = igzip.compress(b"".join(_erased(body, landed.topic, erase, whose)), mtime=0)
    before = _etag(engine, head(store, landed.key))
    md5 = hashlib.md5(new).hexdigest()  # noqa: S324  # to know it again, not to trust it
    _note(notes, {"key": landed.key, "etag": before, "md5": md5})
    mode = _mode(store, landed.key)
    with with_usual_permissions():
        put(store, landed.key, new)
    if mode is not None and isinstance(store, LocalStore):
        with suppress(OSError):
            (Path(str(store.prefix)) / landed.key).chmod(mode)
    meta = head(store, landed.key)
    _note(notes, {"key": landed.key, "now": _etag(engine, meta), "size": meta["size"]})
    return whose


def _note(notes: Any, note: dict[str, object]) -> None:
    notes.write(json.dumps(note) + "\n")
    notes.flush()
    os.fsync(notes.fileno())


def _erased(body: Any, topic: str, erase: Erase, whose: set[str]) -> Iterator[bytes]:
    for piece in read_text(body).pieces:
        text, found = erase(piece, topic)
        whose.update(found)
        yield text


def _mode(store: "ObjectStore", key: str) -> int | None:
    if not isinstance(store, LocalStore):
        return None
    return (Path(str(store.prefix)) / key).stat().st_mode & 0o777


def settle(settings: Settings, engine: Engine, dbt: Dbt) -> None:
    """Let the audit follow the objects that were rewritten, also by a process that was killed.

    The caller holds the writer lock.
    """
    notes = settings.warehouse_root / NOTES
    if not notes.exists():
        return
    known: dict[str, str] = {}  # an object may have been rewritten twice before the audit knew
    open_note: dict[str, dict[str, Any]] = {}
    followed: dict[str, tuple[str, str, str, int]] = {}
    for line in notes.read_text().splitlines():
        try:
            note = json.loads(line)
        except ValueError:
            continue  # the last one, cut by a kill: its object was not written
        key = note["key"]
        if "md5" in note:
            known.setdefault(key, note["etag"])
            open_note[key] = note
        elif open_note.pop(key, None):
            followed[key] = (key, known[key], note["now"], note["size"])
    for key, note in open_note.items():
        with suppress(BaseError, FileNotFoundError):
            found = get(open_store(settings), key)
            if hashlib.md5(found.bytes()).hexdigest() == note["md5"]:  # noqa: S324
                followed[key] = (key, known[key], _etag(engine, found.meta), found.meta["size"])
    if followed:
        tables.fill(engine, dbt, "load_followed", list(followed.values()))
        dbt.run("run-operation", "follow_objects")
    notes.unlink()


def _etag(engine: Engine, meta: Any) -> str:
    """As the audit has it: the store's, or what NOS lists (macro landed_listing)."""
    if engine.knows_etags:
        return plain_etag(meta["e_tag"])
    seconds = (meta["last_modified"] - EPOCH_OF_NOS) // timedelta(seconds=1)
    return f"{seconds}-{meta['size']}"
