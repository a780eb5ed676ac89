"""The text of one landed object: read, inflated and checked, within bounds.

Nothing here trusts an object: whatever is wrong with it is an `ObjectError` with the reason, which
concerns this object alone. Time is linear in the object's bytes, and no more than `KEPT_BYTES` of
its text are in memory at once, besides its compressed bytes.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from isal import isal_zlib
from obstore import get
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MAX_OBJECT_BYTES = 1 << 29
"""Compressed: such an object is held in memory while it is read."""
MAX_TEXT_BYTES = 1 << 31
MAX_LINES = 2_000_000
"""Ten times Connect's flush size: even an empty line costs memory and time."""
MAX_LINE_BYTES = 1 << 23
"""Kafka's own limit of a record is 1 MB."""
VANISHED = "vanished"
"""How the reason begins where an object was deleted since it was listed."""
PIECE_BYTES = 1 << 19
PIECE_LINES = 1 << 16
KEPT_BYTES = 1 << 26
_FEED_BYTES = 1 << 16


class ObjectError(Exception):
    """Why an object cannot be read; etag and size of its content where they are known."""

    def __init__(self, reason: str, etag: str | None = None, size: int | None = None) -> None:
        super().__init__(reason)
        self.etag, self.size = etag, size


class Body(NamedTuple):
    """An object's compressed bytes, and their etag."""

    etag: str
    compressed: memoryview


class Text(NamedTuple):
    """An object's text in pieces of whole lines, each line with its line feed.

    `etag` and `size` (in bytes) are those of what was read.
    """

    etag: str
    size: int
    pieces: Iterator[bytes]


def fetch(store: "ObjectStore", key: str) -> Body:
    """Read an object's bytes.

    Raises:
        ObjectError: it cannot be read.
    """
    try:
        if isinstance(store, LocalStore):
            _refuse_special_file(Path(str(store.prefix)), key)
        answer = get(store, key)
        size = answer.meta["size"]
        if size > MAX_OBJECT_BYTES:
            raise ObjectError(f"too large: {size:,} bytes, more than {MAX_OBJECT_BYTES:,}")
        return Body(plain_etag(answer.meta["e_tag"]), memoryview(answer.bytes()))
    except (NotFoundError, FileNotFoundError):
        raise ObjectError(f"{VANISHED}: it was listed, but is not there any more") from None
    except ObjectError:
        raise
    except Exception as error:  # whatever a store raises must not stop the other objects
        raise ObjectError(f"cannot be read: {first_line(error)}") from None


def read_text(found: Body) -> Text:
    """Check an object to its end: every gzip member, the number and the length of its lines.

    Raises:
        ObjectError: it cannot be read.
    """
    etag, compressed = found
    try:
        return Text(etag, len(compressed), _checked(compressed))
    except ValueError as error:
        raise ObjectError(str(error), etag, len(compressed)) from None


def _checked(compressed: memoryview) -> Iterator[bytes]:
    """The pieces, after the last one has been seen: a large text is inflated twice."""
    kept: list[bytes] = []
    kept_bytes = 0
    for piece in _lines(_inflated(compressed)):
        kept_bytes += len(piece)
        if kept_bytes <= KEPT_BYTES:
            kept.append(piece)
        else:
            kept.clear()
    return iter(kept) if kept_bytes <= KEPT_BYTES else _lines(_inflated(compressed))


def first_line(error: BaseException) -> str:
    """The first line of an error's text, short enough for a table cell."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300]


def _refuse_special_file(root: Path, key: str) -> None:
    """Reading a pipe would wait for ever, and a link may lead out of the lake."""
    path = root / key
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ObjectError("no regular file: it is a link, a pipe or a device")
    if not path.resolve().is_relative_to(root.resolve()):
        raise ObjectError("not in the lake: a link leads to its folder")


def plain_etag(etag: str | None) -> str:
    """An etag without its quotes."""
    return (etag or "").strip('"')


def _inflated(body: memoryview) -> Iterator[bytes]:
    """The text of every gzip member, in pieces of at most 2 * PIECE_BYTES."""
    if not body:
        raise ValueError("empty: 0 bytes, not even a gzip header")
    at = total = 0
    while at < len(body):
        inflater, member, step = isal_zlib.decompressobj(31), at, 4096
        while not inflater.eof:
            feed = inflater.unconsumed_tail or body[at : at + step]
            if not inflater.unconsumed_tail:
                at, step = at + len(feed), min(step * 4, _FEED_BYTES)
            if not feed:
                raise ValueError(f"cut: the gzip stream ends early, after {total:,} bytes of text")
            try:
                text = inflater.decompress(feed, 2 * PIECE_BYTES)
            except isal_zlib.error as error:  # type: ignore[misc]  # isal has no stubs
                kind = (
                    "damaged gzip"
                    if bytes(body[member : member + 2]) == b"\x1f\x8b"
                    else "not gzip"
                )
                raise ValueError(f"{kind}: {first_line(error)}") from None
            total += len(text)
            if total > MAX_TEXT_BYTES:
                raise ValueError(f"too large: inflates to more than {MAX_TEXT_BYTES:,} bytes")
            if text:
                yield text
        at -= len(inflater.unused_data)
        while at < len(body) and not body[at]:  # zero bytes after a member are padding
            zeros = bytes(body[at : at + _FEED_BYTES])
            at += len(zeros) - len(zeros.lstrip(b"\0"))


def _lines(texts: Iterator[bytes]) -> Iterator[bytes]:
    """The same text in pieces of whole lines, within the bounds."""
    begun: list[bytes] = []
    begun_bytes = lines = 0
    for text in texts:
        begun.append(text)
        begun_bytes += len(text)
        if begun_bytes < PIECE_BYTES:
            continue
        whole = b"".join(begun)
        end = whole.rfind(b"\n") + 1
        begun, begun_bytes = [whole[end:]], len(whole) - end
        if begun_bytes > MAX_LINE_BYTES:
            raise ValueError(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
        if end:
            before, lines = lines, _count(whole[:end], lines)
            yield from _parts(whole[:end], lines - before)
    if last := b"".join(begun):
        last += b"" if last.endswith(b"\n") else b"\n"
        yield from _parts(last, _count(last, lines) - lines)


def _count(piece: bytes, before: int) -> int:
    lines = before + piece.count(b"\n")
    if lines > MAX_LINES:
        raise ValueError(f"more than {MAX_LINES:,} lines")
    if len(piece) > MAX_LINE_BYTES and max(map(len, piece.split(b"\n"))) > MAX_LINE_BYTES:
        raise ValueError(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
    return lines


def _parts(piece: bytes, lines: int) -> Iterator[bytes]:
    """Split a piece that has `lines` lines into parts of at most PIECE_LINES."""
    if lines <= PIECE_LINES:
        yield piece
        return
    begin = 0
    while begin < len(piece):
        fits = piece.rfind(b"\n", begin, begin + PIECE_LINES)
        end = (fits if fits >= 0 else piece.find(b"\n", begin)) + 1
        yield piece[begin:end]
        begin = end
