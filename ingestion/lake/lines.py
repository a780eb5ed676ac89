"""Cuts the text of an object into lines, as Arrow without a copy, and counts what proves them.

Each line gets a number that makes it cheap to prove that it is strict JSON (macro landed_lines):

    bare    how many members have a value that does not begin with a quote (`":` and no `"`);
            -1 where the line is not plain: it has an escape, a control character or a blank after a
            quote, does not begin with `{"` or end with `}`, or is not UTF-8

In a plain line every quote begins or ends a text. If its whole numbers are as many as its bare
members, every other member is a text; and each other deviation (a repeated or unknown member, a
null, a blank, a comma too many) makes the line longer than its known members written once each.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LINES = pa.schema(
    [
        ("object_number", pa.int64()),
        ("line_number", pa.int64()),
        ("raw_line", pa.large_string()),
        ("bare", pa.int16()),
        ("is_text", pa.bool_()),
    ]
)
_SLICE_BYTES = 1 << 18
_QUOTE, _COLON, _BLANK, _NEWLINE, _BACKSLASH, _OPEN, _CLOSE = b'": \n\\{}'


def cut(text: bytes, object_number: int, lines_before: int, bare: int) -> pa.RecordBatch:
    """The lines of `text` with their line feeds, as rows of `LINES`, from `lines_before` + 1 on.

    Args:
        text: Ends with a line feed.
        object_number: The same in each row.
        lines_before: The object's lines before this text.
        bare: What most lines are expected to count: others are counted one by one.
    """
    text, bad = _escape_bytes(text)
    data = np.frombuffer(text, np.uint8)
    parts = [_census(data, begin, end, bare) for begin, end in _slices(text)]
    counts = np.concatenate([each for _, each in parts])
    offsets = np.concatenate([[0], *(ends for ends, _ in parts)])
    texts = pa.LargeStringArray.from_buffers(len(counts), pa.py_buffer(offsets), pa.py_buffer(text))
    is_text = np.ones(len(counts), bool)
    is_text[bad] = False
    counts[bad] = -1
    return pa.record_batch(
        [
            pa.array(np.full(len(counts), object_number)),
            pa.array(np.arange(lines_before + 1, lines_before + 1 + len(counts))),
            texts,
            pa.array(counts),
            pa.array(is_text),
        ],
        schema=LINES,
    )


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


def _slices(text: bytes) -> Iterator[tuple[int, int]]:
    """Where parts of whole lines begin and end, small enough for a processor's cache."""
    begin = 0
    while begin < len(text):
        end = text.rfind(b"\n", begin, begin + _SLICE_BYTES) + 1 or text.index(b"\n", begin) + 1
        yield begin, end
        begin = end


def _census(
    data: NDArray[np.uint8], begin: int, end: int, bare: int
) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Of the lines in a slice: where each ends, and its count of bare members, or -1."""
    data = data[begin:end]
    quote = data == _QUOTE
    low = np.flatnonzero(data < _BLANK)
    is_end = data[low] == _NEWLINE
    ends = low[is_end]
    starts = np.concatenate(([0], ends[:-1] + 1))
    after = quote[:-1]
    hits = np.flatnonzero(after[:-1] & (data[1:-1] == _COLON) & ~quote[2:])
    counts = np.full(len(ends), bare, np.int16)
    if len(hits) != bare * len(ends) or not _in_own_lines(hits, starts, ends, bare):
        counted = np.diff(np.searchsorted(hits, ends), prepend=0)
        counts = np.minimum(counted, np.iinfo(np.int16).max).astype(np.int16)
    odd = (
        low[~is_end],
        np.flatnonzero(after & (data[1:] == _BLANK)),
        np.flatnonzero(data == _BACKSLASH),
    )
    counts[np.searchsorted(ends, np.concatenate(odd))] = -1
    counts[(data[starts] != _OPEN) | (data[np.maximum(ends - 1, 0)] != _CLOSE)] = -1
    return begin + ends + 1, counts


def _in_own_lines(
    hits: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64], bare: int
) -> bool:
    """Whether the hits, so many at a time, lie in one line after the other."""
    if not bare:
        return True
    by_line = hits.reshape(-1, bare)
    return bool((by_line[:, 0] >= starts).all() and (by_line[:, -1] < ends).all())
