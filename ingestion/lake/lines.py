"""Cuts the text of an object into lines, as Arrow without a copy, and judges their JSON.

Only the first line of each shape (line_shapes.py) is judged by the strict parser, and each line of
a shape that did not pass. An empty text passes wherever another one does (strict_json.py): one
shape tells for all lines with empty texts in its place. For a line without a `json_problem`, the
models of load have one question left: whether DuckDB can parse it, which proves its numbers and
escapes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.contract.strict_json import json_problem
from ingestion.lake.line_shapes import shapes, with_full_texts

LINES = pa.schema(
    [
        ("object_number", pa.int64()),
        ("line_number", pa.int64()),
        ("raw_line", pa.large_string()),
        ("json_problem", pa.string()),
    ]
)
NUL = b"\\u0000"
"""An escape that DuckDB accepts, and no text may hold."""
INVALID_UTF8 = "not JSON: invalid UTF-8"
_SLICE_BYTES = 1 << 18
"""Fits into a processor's cache."""
_LONGEST_SHAPE, _MOST_SHAPES = 4096, 10_000


@dataclass
class LineCutter:
    """Cuts and judges the lines of one topic; `fine` are shapes that passed."""

    topic: str
    fine: set[bytes] = field(default_factory=set)

    def cut(self, text: bytes, object_number: int, lines_before: int) -> pa.RecordBatch:
        """The lines of `text` with their line feeds, as rows of `LINES`.

        Args:
            text: Ends with a line feed.
            object_number: The same in each row.
            lines_before: The object's lines before this text; the first one gets the next number.
        """
        text, bad = _escape_bytes(text)
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
        offsets = np.concatenate(([0], ends + 1))
        problems = self._problems(text, offsets) | dict.fromkeys(bad, INVALID_UTF8)
        count = len(ends)
        return pa.record_batch(
            [
                pa.array(np.full(count, object_number)),
                pa.array(np.arange(lines_before + 1, lines_before + 1 + count)),
                pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text)),
                pa.array([problems.get(line) for line in range(count)], pa.string())
                if problems
                else pa.nulls(count, pa.string()),
            ],
            schema=LINES,
        )

    def _problems(self, text: bytes, offsets: NDArray[np.int64]) -> dict[int, str]:
        data = np.frombuffer(text, np.uint8)
        problems = dict[int, str]()
        for first, last in _slices(offsets):
            begin, end = offsets[first], offsets[last]
            found = shapes(data[begin:end], offsets[first + 1 : last + 1] - 1 - begin)
            if not self.fine.issuperset(found) or _may_have_nul(text, begin, end):
                problems |= self._judge(text, offsets, first, found)
        return problems

    def _judge(
        self, text: bytes, offsets: NDArray[np.int64], first: int, found: list[bytes]
    ) -> dict[int, str]:
        """The problems of the lines from `first` on, which have these shapes."""
        problems, judged = dict[int, str](), dict[bytes, str | None]()
        for number, shape in enumerate(found, first):
            line = text[offsets[number] : offsets[number + 1] - 1]
            if shape in self.fine and NUL not in line:
                continue
            full = with_full_texts(shape)
            if full in self.fine and NUL not in line:
                self._keep(shape)
                continue
            if line not in judged:
                judged[line] = json_problem(line.decode(), self.topic)
            if problem := judged[line]:
                problems[number] = problem
            elif shape:
                self._keep(shape)
                if full != shape:
                    self._learn(with_full_texts(line, b'"x"'))
        return problems

    def _learn(self, line: bytes) -> None:
        """Keep the shape of this line, which is in no object, if it passes."""
        if json_problem(line.decode(), self.topic) is None:
            data = np.frombuffer(line + b"\n", np.uint8)
            self._keep(shapes(data, np.array([len(line)]))[0])

    def _keep(self, shape: bytes) -> None:
        """Add a shape that passed; drop all earlier ones when there are too many."""
        if len(self.fine) >= _MOST_SHAPES:
            self.fine.clear()
        if 0 < len(shape) <= _LONGEST_SHAPE:
            self.fine.add(shape)


def _escape_bytes(text: bytes) -> tuple[bytes, list[int]]:
    r"""The text as UTF-8, and the lines (from 0) that are none: their bytes become `\xNN`."""
    if text.isascii() or _is_utf8(text):
        return text, []
    lines = text.split(b"\n")
    bad = [number for number, line in enumerate(lines) if not _is_utf8(line)]
    for number in bad:
        lines[number] = lines[number].decode(errors="backslashreplace").encode()
    return b"\n".join(lines), bad


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_have_nul(text: bytes, begin: int, end: int) -> bool:
    return text.find(b"\\", begin, end) >= 0 and text.find(NUL, begin, end) >= 0


def _slices(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The first line of each part, and the one behind it."""
    first, count = 0, len(offsets) - 1
    while first < count:
        fits = int(np.searchsorted(offsets, offsets[first] + _SLICE_BYTES, "right")) - 1
        last = max(fits, first + 1)
        yield first, last
        first = last
