"""Finds any of many ids in bytes, ten thousand as fast as one."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import numpy as np

SHORTEST = 8
"""Bytes: the text of a shorter id, or of one of digits alone, occurs by chance."""
_PIECE = 1 << 21


def by_text(visitor: str) -> bool:
    """Whether an id is looked for as a text anywhere; else as a value of visitor_id alone."""
    return len(visitor.encode(errors="surrogatepass")) >= SHORTEST and not visitor.isdigit()


class Needles:
    """The ids as they may be written: plain, escaped in JSON, quoted in an address."""

    def __init__(self, visitors: Iterable[str]) -> None:
        self._whole: dict[bytes, str] = {}
        self._lengths: dict[bytes, set[int]] = defaultdict(set)
        for visitor in filter(by_text, visitors):
            for text in (
                visitor,
                json.dumps(visitor)[1:-1],
                json.dumps(visitor, ensure_ascii=False)[1:-1],
                quote(visitor, safe="", errors="surrogatepass"),
            ):
                needle = text.encode(errors="surrogatepass")
                self._whole.setdefault(needle, visitor)
                self._lengths[needle[-SHORTEST:]].add(len(needle))
        ends = np.frombuffer(b"".join(self._lengths), np.uint8).reshape(-1, SHORTEST)
        self._ends = np.sort(ends.copy().view("<u8").ravel())
        self._last = np.zeros(1 << 24, np.bool_)
        self._last[_threes(ends[:, -3:].reshape(-1))[::3]] = True

    def find(self, data: bytes, *, within_text: bool) -> Iterator[tuple[int, str]]:
        """Where an id begins, and which one.

        Args:
            data: Any bytes.
            within_text: They are text, where letters or digits beside an id make another word of
                it. In binary data any character may be next to it, except a digit next to a digit.
        """
        if not self._whole:
            return
        longest = max(map(len, self._whole))
        for start in range(0, len(data), _PIECE):
            begin = max(0, start - longest)
            for end in self._ends_in(data[begin : start + _PIECE]):
                end += begin
                if end <= start and start:
                    continue
                for length in self._lengths[data[end - SHORTEST : end]]:
                    visitor = self._whole.get(data[max(0, end - length) : end])
                    if visitor and _stands_alone(data, end - length, end, within_text=within_text):
                        yield end - length, visitor

    def _ends_in(self, piece: bytes) -> list[int]:
        """Where the last eight bytes of an id end."""
        view = np.frombuffer(piece, np.uint8)
        if len(view) < SHORTEST:
            return []
        ends = np.flatnonzero(self._last[_threes(view)]) + 3
        ends = ends[ends >= SHORTEST]
        eights = np.zeros(len(ends), "<u8")
        for place in range(SHORTEST):
            eights |= view[ends - SHORTEST + place].astype("<u8") << np.uint64(8 * place)
        at = np.searchsorted(self._ends, eights)
        found = self._ends[np.minimum(at, len(self._ends) - 1)] == eights
        return [int(end) for end in ends[found]]


def _threes(view: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> np.ndarray:
    """Each three bytes that follow each other, as one number."""
    wide = view.astype(np.uint32)
    return wide[:-2] | (wide[1:-1] << 8) | (wide[2:] << 16)


def _stands_alone(data: bytes, begin: int, end: int, *, within_text: bool) -> bool:
    for inside, beside in ((data[begin : begin + 1], data[max(0, begin - 1) : begin]),
                           (data[end - 1 : end], data[end : end + 1])):  # fmt: skip
        if beside.isdigit() and inside.isdigit():
            return False
        if within_text and (beside.isalnum() or beside > b"\x7f"):
            return False
    return True
