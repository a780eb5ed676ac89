"""The lines of a batch's objects as an Arrow stream: DuckDB reads it as a table.

Objects are fetched ahead by a few threads, and one more inflates and cuts the next object while
DuckDB works on the lines before: two would only wait for each other. Each object's etag, size and
error are in `readings` once the stream has ended; an object with an error has no lines.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ingestion.lake.lines import LINES, LineCutter
from ingestion.lake.object_text import Body, ObjectError, Text, fetch, read_text

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Batches = Iterator[pa.RecordBatch]
FETCHED_AHEAD = 4
"""Objects: hides the latency of S3."""
CUT_AHEAD = 64
"""Pieces of an object's text: about as much as is kept of one in memory."""

READINGS = pa.schema(
    [
        ("object_number", pa.int64()),
        ("object_key", pa.string()),
        ("etag", pa.string()),
        ("object_size", pa.int64()),
        ("read_error", pa.string()),
    ]
)


class BatchObject(NamedTuple):
    """An object of the batch, by its number there."""

    number: int
    key: str


class Reading(NamedTuple):
    """An object as it was read, a row of READINGS; `read_error` is None where it has none."""

    object_number: int
    object_key: str
    etag: str | None
    object_size: int | None
    read_error: str | None


@dataclass
class LineStream:
    """The lines of one topic. Each scan reads the objects that `objects` returns, anew."""

    store: Callable[[], "ObjectStore"]
    objects: Callable[[], Iterable[BatchObject]]
    cutter: LineCutter
    readings: list[Reading] = field(default_factory=list)

    def __arrow_c_schema__(self) -> Any:
        """The columns, for DuckDB."""
        return LINES.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A new scan, for DuckDB."""
        reader = pa.RecordBatchReader.from_batches(LINES, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Batches:
        self.readings.clear()
        store = self.store()
        ahead: deque[tuple[BatchObject, Future[Begun]]] = deque()
        todo = iter(self.objects())
        with ThreadPoolExecutor(FETCHED_AHEAD) as fetchers, ThreadPoolExecutor(1) as cutter:
            while True:
                while len(ahead) < FETCHED_AHEAD and (landed := next(todo, None)):
                    body = fetchers.submit(fetch, store, landed.key)
                    ahead.append((landed, cutter.submit(self._begin, landed, body)))
                if not ahead:
                    return
                yield from self._of_object(*ahead.popleft())

    def _of_object(self, landed: BatchObject, begun: "Future[Begun]") -> Batches:
        try:
            text, first, rest = begun.result()
        except Exception as error:  # an object that cannot be read stops no other
            reason = str(error) if isinstance(error, ObjectError) else f"cannot be read: {error!r}"
            known = (error.etag, error.size) if isinstance(error, ObjectError) else (None, None)
            self.readings.append(Reading(*landed, *known, reason[:300]))
        else:
            yield from first
            yield from rest
            self.readings.append(Reading(*landed, text.etag, text.size, None))

    def _begin(self, landed: BatchObject, body: "Future[Body]") -> "Begun":
        text = read_text(body.result())
        batches = self._cut(landed, text)
        return text, list(islice(batches, CUT_AHEAD)), batches

    def _cut(self, landed: BatchObject, text: Text) -> Batches:
        lines = 0
        for piece in text.pieces:
            batch = self.cutter.cut(piece, landed.number, lines)
            lines += batch.num_rows
            yield batch


Begun = tuple[Text, list[pa.RecordBatch], Batches]
"""An object's first pieces, read and cut in a thread, and what gives the others."""


@dataclass
class ReadingTable:
    """The readings of all streams, as a table for DuckDB."""

    streams: Iterable[LineStream]

    def __arrow_c_schema__(self) -> Any:
        """The columns."""
        return READINGS.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows, as of now."""
        rows = [reading._asdict() for stream in self.streams for reading in stream.readings]
        table: Any = pa.Table.from_pylist(rows, READINGS)
        return table.__arrow_c_stream__(requested_schema)
