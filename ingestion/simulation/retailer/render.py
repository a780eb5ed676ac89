"""Many ids and timestamps at once, as text."""

import numpy as np

from ingestion.simulation.retailer.config import SECOND, Ints

_MILLIS = [f".{ms:03d}Z" for ms in range(1000)]
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def scramble(numbers: Ints, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Distinct numbers to distinct random-looking 64-bit numbers (splitmix64)."""
    x = numbers.astype(np.uint64) + np.uint64(seed * _GOLDEN & _MASK)
    x *= np.uint64(_GOLDEN)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hex_ids(numbers: Ints, seed: int) -> list[str]:
    """Distinct numbers to distinct ids of 16 hex digits."""
    text = scramble(numbers, seed).astype(">u8").tobytes().hex()
    return [text[i : i + 16] for i in range(0, len(text), 16)]


def stamps(instants: Ints, micros: bool = False) -> list[str]:
    """Microseconds since the epoch as `2026-11-01T18:05:07.123Z`, or with six digits."""
    seconds, rest = np.divmod(instants, SECOND)
    distinct, place = np.unique(seconds, return_inverse=True)
    texts = np.datetime_as_string(distinct.astype("M8[s]")).tolist()
    whole = place.tolist()
    if micros:
        return [f"{texts[s]}.{us:06d}Z" for s, us in zip(whole, rest.tolist(), strict=True)]
    millis = (rest // 1000).tolist()
    return [texts[s] + _MILLIS[ms] for s, ms in zip(whole, millis, strict=True)]
