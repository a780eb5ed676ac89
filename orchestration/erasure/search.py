"""The proof: a search for ids through every file of every store."""

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obstore import get
from obstore import list as list_objects

from ingestion.lake.erased_lines import visitors
from ingestion.lake.object_text import Body as ObjectBody
from ingestion.lake.object_text import ObjectError, plain_etag, read_text
from ingestion.s3 import bucket
from ingestion.settings import Settings, TwistError, is_s3
from orchestration.erasure.needles import Needles, by_text
from orchestration.erasure.versions import old_versions
from orchestration.left_overs import LEFT_OF_PUT
from orchestration.progress import progress
from orchestration.shown import visible
from orchestration.warehouse.swap import rebuilding, replaced

SHOWN = 5
_PIECE, _OVERLAP, _FEED = 1 << 23, 1 << 12, 1 << 12
_IN_PARQUET = "visitor_id"
_TEXTS = (".html", ".json", ".csv", ".txt", ".yml")
GZIP = b"\x1f\x8b\x08"
"""The first bytes of gzip."""


class StillThere(TwistError):
    """An id was found; the message says where, and what to do."""


@dataclass
class Searched:
    """How many files were read, and where an id was found."""

    files: int = 0
    size: int = 0
    found: list[str] = field(default_factory=list)
    by_value: int = 0
    """Ids that were searched for as values of visitor_id only."""

    def refuse(self) -> None:
        """Raise `StillThere` where something was found."""
        if self.found:
            shown = "; ".join(map(visible, self.found[:SHOWN]))
            more = f"; and {len(self.found) - SHOWN} more" if len(self.found) > SHOWN else ""
            raise StillThere(
                f"an id is still in {shown}{more}: run it again; what is then left is an object "
                "that no load reads, a line of another visitor, or an identity that a row needs "
                "(dbt_project/docs/privacy.md)"
            )


def places(settings: Settings) -> list[str]:
    """Every store that may hold a person."""
    folder = settings.warehouse_root
    found = [
        settings.landing_root, str(folder), str(rebuilding(folder)), str(replaced(folder)),
        settings.warehouse_data.rstrip("/"), settings.history_root, settings.overview_root,
    ]  # fmt: skip
    return list(dict.fromkeys(place for place in found if place))


def search(settings: Settings, ids: Sequence[str]) -> Searched:
    """Look for ids in the text of every file: inflated, decoded, and as it is."""
    finder = _Finder(ids)
    done = Searched(by_value=len(finder.by_value))
    for place in places(settings):
        for name, version, data in _files(settings, place):
            progress()
            done.files += 1
            done.size += len(data)
            if finder.is_in(name, data):
                done.found.append(f"{place}/{name}{version}")
    return done


def delete_old_versions(settings: Settings, ids: Sequence[str]) -> int:
    """Delete the old versions of objects that hold an id; return how many those were."""
    finder, done = _Finder(ids), 0
    for place in filter(is_s3, places(settings)):
        for old in old_versions(settings, place):
            if finder.is_in(old.key, old.data):
                old.delete()
                done += 1
    return done


def _files(settings: Settings, place: str) -> Iterator[tuple[str, str, bytes]]:
    """The name, the version where it is an old one, and the bytes of each file below a place."""
    if not is_s3(place):
        root = Path(place)
        for path in _paths(root):
            try:
                yield str(path.relative_to(root)), "", path.read_bytes()
            except FileNotFoundError:
                continue  # a reader's, which has ended
        return
    store = bucket(settings, place)
    for page in list_objects(store):
        for meta in page:
            yield meta["path"], "", bytes(get(store, meta["path"]).bytes())
    for old in old_versions(settings, place):
        yield old.key, f" (version {old.version})", old.data


def _paths(root: Path) -> Iterator[Path]:
    """Every file below a folder, also behind links, of which each folder is entered once.

    Raises:
        OSError: a folder cannot be listed.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, onerror=refuse, followlinks=True):
        try:
            about = Path(folder).stat()
        except FileNotFoundError:
            continue
        if (about.st_dev, about.st_ino) in entered:
            folders.clear()
            continue
        entered.add((about.st_dev, about.st_ino))
        folders.sort()
        yield from (path for path in map(Path(folder).joinpath, sorted(files)) if path.is_file())


class _Finder:
    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = frozenset(ids)
        self.needles = Needles(self.ids)
        self.by_value = frozenset(each for each in self.ids if not by_text(each))

    def is_in(self, name: str, data: bytes) -> bool:
        if data.startswith(b"PAR1"):
            return self._in_parquet(data)
        if data.startswith(GZIP):
            return any(self._in_text(piece) for piece in _inflated(data))
        if LEFT_OF_PUT.sub("", name).lower().endswith(_TEXTS):
            return self._in_text(data)
        return self._in_bytes(data)

    def _in_bytes(self, data: bytes) -> bool:
        return any(True for _ in self.needles.find(data, within_text=False))

    def _in_text(self, data: bytes) -> bool:
        if any(True for _ in self.needles.find(data, within_text=True)):
            return True
        return bool(self.by_value) and any(who in self.by_value for _, who in visitors(data))

    def _in_parquet(self, data: bytes) -> bool:
        """In its values, deleted rows included, and in its statistics."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file: Any = pq.ParquetFile(pa.BufferReader(data))
            texts = [
                field.name for field in file.schema_arrow
                if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
                or pa.types.is_binary(field.type)
            ]  # fmt: skip
            if any(self._in_values(*each) for each in _statistics(file.metadata)):
                return True
            for batch in file.iter_batches(columns=texts):
                for column, values in zip(batch.schema.names, batch.columns, strict=True):
                    if self._in_values(column, values.unique().to_pylist()):
                        return True
        except (pa.ArrowException, OSError):
            return self._in_bytes(data)  # no Parquet, or a damaged one
        return False

    def _in_values(self, column: str, values: list[Any]) -> bool:
        if column == _IN_PARQUET:
            return not self.ids.isdisjoint(values)
        kept = [each.encode() if isinstance(each, str) else each for each in values if each]
        return self._in_text(b"\n".join(kept))


def _statistics(metadata: Any) -> Iterator[tuple[str, list[str | bytes | None]]]:
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            found = metadata.row_group(group).column(column)
            if found.physical_type == "BYTE_ARRAY" and found.statistics is not None:
                yield found.path_in_schema, [found.statistics.min, found.statistics.max]


def _inflated(data: bytes) -> Iterator[bytes]:
    """The text of an object in pieces of whole lines; of a damaged one what can be inflated."""
    try:
        yield from read_text(ObjectBody(plain_etag(""), memoryview(data))).pieces
    except ObjectError:
        text = b""
        for part in _what_inflates(data):
            text += part
            if len(text) > _PIECE:
                yield text
                text = text[-_OVERLAP:]
        yield text


def _what_inflates(data: bytes) -> Iterator[bytes]:
    """The text of each gzip member; after a damaged one, go on at the next gzip header."""
    begin = 0
    while begin >= 0:
        at, step, inflater = begin, _FEED, zlib.decompressobj(31)
        while at < len(data) and not inflater.eof:
            before = inflater.copy()
            try:
                yield inflater.decompress(data[at : at + step])
            except zlib.error:
                if step == 1:
                    break
                inflater, step = before, 1  # byte by byte, up to the fault
                continue
            at = min(at + step, len(data))
        end = at - len(inflater.unused_data) if inflater.eof else begin + 1
        begin = data.find(GZIP, end)
