"""The lines of a batch's objects as an Arrow stream: DuckDB reads it as a table.

Objects are fetched ahead by a few threads, and one more inflates and cuts them while DuckDB works
on the lines before: two would only wait for each other. How far they are ahead is bounded by bytes,
whatever the objects hold. Each object's etag, size and error are in `readings` once the stream has
ended; an object with an error has no lines, and one that is left for the next batch no reading.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ingestion.lake.lines import LINES, LineCutter
from ingestion.lake.object_text import Body, ObjectError, fetch, read_text

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FETCHED_AHEAD = 4
"""Objects: hides the latency of S3."""
FETCHED_BYTES = 1 << 26
"""Compressed bytes in memory, beyond which no further object is fetched ahead."""
CUT_BYTES = 1 << 25
"""Arrow bytes that are cut ahead: with its numbers and reason a one-byte line takes a hundred."""
BATCH_LINES, BATCH_TEXT_BYTES = 10_000_000, 1 << 33
"""Of a topic in a batch, which is chosen by compressed size: five times what is usual."""

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
    """An object of the batch, by its number there; `size` in bytes, as it was listed."""

    number: int
    key: str
    size: int


class Reading(NamedTuple):
    """An object as it was read, a row of READINGS; `read_error` is None where it has none."""

    object_number: int
    object_key: str
    etag: str | None
    object_size: int | None
    read_error: str | None


Batches = Iterator[pa.RecordBatch]


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
        ahead = _Ahead()
        cutter = Thread(target=self._cut_all, args=(self.store(), ahead), daemon=True)
        cutter.start()
        try:
            while (found := ahead.take()) is not None:
                if isinstance(found, Reading):
                    self.readings.append(found)
                elif isinstance(found, BaseException):
                    raise found
                else:
                    yield found
        finally:
            ahead.close()
            cutter.join()

    def _cut_all(self, store: "ObjectStore", ahead: "_Ahead") -> None:
        lines = text_bytes = 0
        try:
            for landed, body in self._fetched(store):
                for found in self._of_object(landed, body):
                    if isinstance(found, Reading):
                        ahead.put(found, 0)
                        continue
                    lines, text_bytes = lines + found.num_rows, text_bytes + found.nbytes
                    ahead.put(found, found.nbytes)
                if lines >= BATCH_LINES or text_bytes >= BATCH_TEXT_BYTES:
                    break
            ahead.put(None, 0)
        except _ClosedError:
            pass
        except BaseException as error:  # raised again by the reading thread
            ahead.put(error, 0)

    def _fetched(self, store: "ObjectStore") -> Iterator[tuple[BatchObject, "Future[Body]"]]:
        fetched: deque[tuple[BatchObject, Future[Body]]] = deque()
        todo = iter(self.objects())
        with ThreadPoolExecutor(FETCHED_AHEAD) as fetchers:
            while True:
                while len(fetched) < FETCHED_AHEAD and (
                    sum(landed.size for landed, _ in fetched) < FETCHED_BYTES
                ):
                    if not (landed := next(todo, None)):
                        break
                    fetched.append((landed, fetchers.submit(fetch, store, landed.key)))
                if not fetched:
                    return
                yield fetched.popleft()

    def _of_object(
        self, landed: BatchObject, body: "Future[Body]"
    ) -> Iterator[pa.RecordBatch | Reading]:
        """An object's lines, then its reading."""
        place = (landed.number, landed.key)
        try:
            text = read_text(body.result())
        except Exception as error:  # an object that cannot be read stops no other
            reason = str(error) if isinstance(error, ObjectError) else f"cannot be read: {error!r}"
            known = (error.etag, error.size) if isinstance(error, ObjectError) else (None, None)
            yield Reading(*place, *known, reason[:300])
            return
        lines = 0
        for piece in text.pieces:
            batch = self.cutter.cut(piece, landed.number, lines)
            lines += batch.num_rows
            yield batch
        yield Reading(*place, text.etag, text.size, None)


class _ClosedError(Exception):
    """The reader of the queue has ended."""


class _Ahead:
    """A queue between two threads that holds at most `CUT_BYTES`, or one batch that is larger."""

    def __init__(self) -> None:
        self._made: deque[tuple[pa.RecordBatch | Reading | BaseException | None, int]] = deque()
        self._bytes = 0
        self._is_closed = False
        self._changed = Condition()

    def put(self, made: pa.RecordBatch | Reading | BaseException | None, size: int) -> None:
        """Wait for room; `size` in bytes. Raises `_ClosedError` when the reader has ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or not self._bytes or self._bytes + size <= CUT_BYTES
            )
            if self._is_closed:
                raise _ClosedError
            self._made.append((made, size))
            self._bytes += size
            self._changed.notify()

    def take(self) -> pa.RecordBatch | Reading | BaseException | None:
        """Wait for the next item and return it."""
        with self._changed:
            self._changed.wait_for(lambda: self._made)
            made, size = self._made.popleft()
            self._bytes -= size
            self._changed.notify()
            return made

    def close(self) -> None:
        """Let waiting and later puts fail."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()


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
