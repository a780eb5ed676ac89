"""Rewrites landed objects without the persons to forget, each once, under its key.

A rewritten object has another etag, and the audit knows objects by etag: else the next load would
read it again, and set aside a second time what has no position. So what is to be written is noted
in a file first, and `settle` lets the audit follow; it also completes that after a kill.
"""

import glob
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isal import isal_zlib
from obstore import get, head, put
from obstore.exceptions import NotFoundError, PreconditionError
from obstore.store import LocalStore

from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake.folders import NOT_LISTED
from ingestion.lake.landed_objects import LandedObject, list_landed, open_store
from ingestion.lake.object_text import VANISHED, ObjectError, fetch, plain_etag, read_text
from ingestion.settings import Settings, TwistError
from orchestration.erasure import tables
from orchestration.left_overs import LEFT_OF_PUT
from orchestration.progress import progress
from orchestration.shown import visible
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engine_protocol import Engine
from orchestration.warehouse.private import with_usual_permissions

if TYPE_CHECKING:
    from obstore.store import ObjectStore

NOTES = "forget.objects"
"""A file in the warehouse's folder: a line for each object that is written, until all are known."""
SHOWN = 3
"""Keys in one sentence."""
GZIP = 31
"""As zlib names the format: the largest window, and a header without name or time."""
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
    unreadable: list[str] = field(default_factory=list)
    """Keys of objects that cannot be read, and so cannot be rewritten."""
    unlisted: list[str] = field(default_factory=list)
    """Folders that could not be listed."""


class NotRead(TwistError):
    """Something could not be read, so it was not erased; the message names it and the cure."""


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
    done = Rewritten(0, 0, Counter())
    with (settings.warehouse_root / NOTES).open("a") as notes:
        for topic in topics:
            for landed in list_landed(store, topic, since):
                progress()
                if until and landed.folder_hour >= until:
                    continue
                if landed.error:  # else a name that no load reads
                    if landed.error.startswith(NOT_LISTED):
                        done.unlisted.append(landed.key)
                    continue
                done.read += 1
                try:
                    whose = _rewrite(store, engine, landed, erase, notes)
                except ObjectError as error:
                    if not str(error).startswith(VANISHED):
                        done.unreadable.append(landed.key)
                    continue
                if whose is not None:
                    done.rewritten += 1
                    done.by_visitor.update(whose)
                    if done.rewritten % 1000 == 0:
                        say(f"{done.rewritten:,} of {done.read:,} objects rewritten …")
    return done


def accepted(engine: Engine, dbt: Dbt) -> set[str]:
    """The keys of objects that cannot be read and were closed by `make accept`."""
    table = engine.relation("audit", "landed_objects")
    found = dbt.query(
        f"select distinct object_key from {table} where status = 'accepted' and object_key not in "
        f"(select object_key from {table} where status = 'unreadable')"
    )
    return {key for (key,) in found}


def shown(keys: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(keys) - SHOWN:,} more" if len(keys) > SHOWN else ""
    return "; ".join(map(visible, keys[:SHOWN])) + more


def refuse_unread(keys: Sequence[str], cure: str) -> None:
    """Raise `NotRead` where something could not be read."""
    if keys:
        raise NotRead(
            f"{len(keys):,} objects or folders of the landing lake could not be read, so nothing "
            f"was erased there: {shown(keys)}: {cure}"
        )


def _rewrite(
    store: "ObjectStore", engine: Engine, landed: LandedObject, erase: Erase, notes: Any
) -> set[str] | None:
    """Whose lines were in it; None where nothing was to be erased."""
    body = fetch(store, landed.key)
    whose: set[str] = set()
    is_changed, packer, packed = False, isal_zlib.compressobj(wbits=GZIP), []
    for piece in read_text(body).pieces:
        text, found = erase(piece, landed.topic)
        is_changed |= text != piece
        whose.update(found)
        packed.append(packer.compress(text))
    if not is_changed:
        return None
    new = b"".join([*packed, packer.flush()])
    before = _etag(engine, head(store, landed.key))
    md5 = hashlib.md5(new).hexdigest()  # noqa: S324  # to know it again, not to trust it
    _note(notes, {"key": landed.key, "etag": before, "md5": md5})
    try:
        _replace(store, landed.key, new, body.etag)
    except PreconditionError:  # Connect has written it again: its new lines are erased too
        return _rewrite(store, engine, landed, erase, notes)
    meta = head(store, landed.key)
    _note(notes, {"key": landed.key, "now": _etag(engine, meta), "size": meta["size"]})
    return whose


def _replace(store: "ObjectStore", key: str, new: bytes, etag: str) -> None:
    """Put an object into the place of the one with this etag; a folder cannot refuse another."""
    if not isinstance(store, LocalStore):
        put(store, key, new, mode={"e_tag": f'"{etag}"'})
        return
    path = Path(str(store.prefix)) / key
    mode = path.stat().st_mode & 0o777
    with with_usual_permissions():
        put(store, key, new)
    with suppress(OSError):
        path.chmod(mode)
    _remove_left_overs(store, key)


def _remove_left_overs(store: "ObjectStore", key: str) -> None:
    """Delete what a killed put left beside an object; nobody else writes such names."""
    if not isinstance(store, LocalStore):
        return
    path = Path(str(store.prefix)) / key
    for each in path.parent.glob(f"{glob.escape(path.name)}#*"):
        if LEFT_OF_PUT.sub("", each.name) == path.name:
            each.unlink(missing_ok=True)


def _note(notes: Any, note: dict[str, object]) -> None:
    notes.write(json.dumps(note) + "\n")
    notes.flush()
    os.fsync(notes.fileno())


def settle(settings: Settings, engine: Engine, dbt: Dbt) -> None:
    """Let the audit follow the objects that were rewritten, also by a process that was killed.

    The caller holds the writer lock.
    """
    notes = settings.warehouse_root / NOTES
    if not notes.exists():
        return
    known: dict[str, str] = {}  # the etag in the audit: an object may have been rewritten twice
    open_note: dict[str, dict[str, Any]] = {}
    followed: dict[str, tuple[str, str, str, int]] = {}
    for line in notes.read_text().splitlines():
        try:
            note = json.loads(line)
        except ValueError:
            continue  # the last one, cut by a kill: its object was not written
        key = note["key"]
        if "md5" in note:
            if key not in followed or followed[key][2] != note["etag"]:
                known[key] = note["etag"]
            open_note[key] = note
        elif open_note.pop(key, None):
            followed[key] = (key, known[key], note["now"], note["size"])
    for key, note in open_note.items():
        _remove_left_overs(open_store(settings), key)
        with suppress(NotFoundError, FileNotFoundError):
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
