"""The shape of a JSON line: what is left of it without its values.

A text loses its characters and its closing quote (an empty one keeps both quotes), a number all
digits but one of each run, which becomes 0, and a colon the blanks before it; keys, punctuation,
other blanks and words stay:

    {"sku_id":"A-1","_offset" :12,"tags":["x",null]}   ->   {"sku_id":","_offset":0,"tags":[",null]}

Of two lines of one shape that a lenient parser accepts, either both are strict JSON with
unrepeated keys and the same JSON types, or neither is: a shape shows each key, and every NaN or
comma too many. It hides leading zeros and the escapes inside texts. DuckDB's parser refuses bad
ones, but accepts the escape of NUL.

Bits are computed for all bytes of a text at once, 64 in a word, the first byte's bit highest.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Places = NDArray[np.int64]

_QUOTE, _COLON, _NEWLINE, _BACKSLASH, _ZERO, _SPACE, _TAB, _RETURN = b'":\n\\0 \t\r'
_DIGIT_BITS = np.uint8(0b1111)
"""They are 0 in the digit 0, and tell the digits apart."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CARRIES = 4
"""Through so many words a carry is followed word by word: a longer key is rare."""
_ONE, _LAST = np.uint64(1), np.uint64(63)


def shapes(text: Bytes, ends: Places) -> list[bytes]:
    """The shape of each line; b"" for a line with an unclosed text, or a colon without a key.

    Args:
        text: Whole lines, each with its line feed.
        ends: Where the line feeds are.
    """
    quote = text == _QUOTE
    quote[_escaped(text)] = False
    quotes = _words(quote)
    inside = _inside(quotes)
    closing = quotes & ~inside
    colons = _words(text == _COLON) & ~inside
    far_colons = colons & ~_one_later(closing)
    if odd := _lines_open(inside, ends):
        return _shapes(text[_kept_lines(text, ends, odd)])
    if far_colons.any():
        blanks = _words((text == _SPACE) | (text == _TAB) | (text == _RETURN)) & ~inside
        blanks &= ~_sum(blanks, blanks & _one_earlier(far_colons))
        if blanks.any():
            return _shapes(text[~_bits(blanks, len(text))])
        return _shapes(text[_kept_lines(text, ends, _lines_with(far_colons, ends))])
    values = _without_keys(inside, closing & _one_earlier(colons)) & ~quotes
    digits = _words((text - np.uint8(_ZERO)) < 10) & ~inside
    first_digits = digits & ~_one_later(digits)
    as_zero = _bits(first_digits, len(text)).view(np.uint8) * _DIGIT_BITS
    dropped = values | (_one_later(values) & closing) | (digits & ~first_digits)
    return _bytes_at(~dropped, text & ~as_zero).split(b"\n")[:-1]


def _shapes(text: Bytes) -> list[bytes]:
    return shapes(text, np.flatnonzero(text == _NEWLINE))


def _words(found: NDArray[np.bool_]) -> Words:
    packed = np.zeros((len(found) + 63) // 64 * 8, np.uint8)
    bits = np.packbits(found)
    packed[: len(bits)] = bits
    return packed.view(">u8").astype(np.uint64)


def _bits(words: Words, size: int) -> NDArray[np.bool_]:
    return np.unpackbits(words.astype(">u8").view(np.uint8))[:size].view(np.bool_)


def _bytes_at(words: Words, text: Bytes) -> bytes:
    """The bytes of these bits. Arrow wants each byte's first bit lowest."""
    mask = words.astype(">u8").tobytes().translate(_REVERSED)
    chosen = pa.Array.from_buffers(pa.bool_(), len(text), [None, pa.py_buffer(mask)])
    found = pa.Array.from_buffers(pa.uint8(), len(text), [None, pa.py_buffer(text)]).filter(chosen)
    return bytes(memoryview(found.buffers()[1])[: len(found)])


def _one_later(words: Words) -> Words:
    moved = words >> _ONE
    moved[1:] |= words[:-1] << _LAST
    return moved


def _one_earlier(words: Words) -> Words:
    moved = words << _ONE
    moved[:-1] |= words[1:] >> _LAST
    return moved


def _escaped(text: Bytes) -> Places:
    """The bytes behind a backslash that is not escaped itself."""
    backslash = text == _BACKSLASH
    if not backslash.any():
        return np.empty(0, np.int64)
    found = np.flatnonzero(backslash)
    begins = np.flatnonzero(np.diff(found, prepend=-2) > 1)
    in_run = np.arange(len(found)) - np.repeat(begins, np.diff(begins, append=len(found)))
    behind: Places = found[in_run % 2 == 0] + 1
    return behind[behind < len(text)]


def _inside(quotes: Words) -> Words:
    """From each opening quote on, up to its closing quote (without it)."""
    inside = quotes.copy()
    for distance in (1, 2, 4, 8, 16, 32):
        inside ^= inside >> np.uint64(distance)
    odd = np.bitwise_xor.accumulate(inside & _ONE)
    inside[1:] ^= np.uint64(0) - odd[:-1]
    return inside


def _without_keys(inside: Words, key_ends: Words) -> Words:
    """`inside` without the texts that end at `key_ends`.

    Added just before its closing quote, a bit carries through the text to its opening quote.
    """
    left: Words = inside & _sum(inside, _one_earlier(key_ends))
    return left


def _sum(first: Words, second: Words) -> Words:
    """The sum of two numbers of many words, the first word the highest; without a last carry."""
    total = first + second
    carry = total < first
    for _ in range(_CARRIES):
        if not carry[1:].any():
            return total
        carried = np.append(carry[1:], False)
        total += carried
        carry = (total == 0) & carried
    number = _number(first) + _number(second)
    low = number & ((1 << 64 * len(first)) - 1)
    return np.frombuffer(low.to_bytes(8 * len(first), "big"), ">u8").astype(np.uint64)


def _number(words: Words) -> int:
    return int.from_bytes(words.astype(">u8").tobytes(), "big")


def _lines_open(inside: Words, ends: Places) -> list[int]:
    """The lines with an odd number of quotes."""
    places = ends.astype(np.uint64)
    is_open = (inside[places >> np.uint64(6)] >> (_LAST - (places & _LAST))) & _ONE
    return list(np.flatnonzero(np.diff(is_open, prepend=np.uint64(0)))) if is_open.any() else []


def _lines_with(found: Words, ends: Places) -> list[int]:
    """The lines with any of these bits."""
    places = np.flatnonzero(_bits(found, int(ends[-1]) + 1))
    return list(np.unique(np.searchsorted(ends, places)))


def _kept_lines(text: Bytes, ends: Places, lines: list[int]) -> NDArray[np.bool_]:
    """Which bytes stay if these lines are emptied; their line feeds stay too."""
    kept = np.ones(len(text), bool)
    for line in lines:
        kept[ends[line - 1] + 1 if line else 0 : ends[line]] = False
    return kept


def with_full_texts(line: bytes, text: bytes = b'"') -> bytes:
    """Replace each member's empty text by `text`: `"` in a shape, a text such as `"x"` in a line.

    `:""` in valid JSON is always a member with an empty text: quotes within a text are escaped.
    """
    return line.replace(b':""', b":" + text).replace(b': ""', b": " + text)
