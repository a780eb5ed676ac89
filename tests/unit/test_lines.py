"""Cutting a text into lines, and the count that proves most of them, against a slow count."""

import re
from random import Random

import pytest

from ingestion.lake import lines
from ingestion.lake.lines import cut

GOOD = (
    b'{"event_id":"e1","channel":"w\xc3\xa9b","_topic":"clickstream",'
    b'"_partition":0,"_offset":12,"_timestamp":1793541600280}'
)
ODD = [
    b"", b"{}", b'{"a":5}', b'{"a" :5,"_offset":1}', b"nonsense", b'{"a":"\\n"}',
    b'{"a":": ","b":":x"}',
    GOOD.replace(b":0,", b':"0",'), GOOD.replace(b":12,", b":12,  "), GOOD + b" ", b" " + GOOD,
    GOOD + b"\r", b'{"a":"\t"}', b'{"a":"\xff"}', b'{"a":\x00}', b'":', b'"', b'{"a":', b"[1]",
    b"{" + b'"x":1,' * 70_000 + b"}",
]  # fmt: skip
"""Lines that are not as the others."""


def bare(line: bytes) -> int:
    """What `cut` counts, in other words."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return -1
    is_plain = text[:1] == "{" and text[-1:] == "}" and not re.search(r'[\\\x00-\x1f]|" ', text)
    return min(len(re.findall(r'":(?!")', text)), 32_767) if is_plain else -1


@pytest.mark.parametrize("slice_bytes", [1, 100, 1 << 18])
@pytest.mark.parametrize("seed", range(20))
def test_each_line_is_counted_as_if_it_were_alone(
    monkeypatch: pytest.MonkeyPatch, seed: int, slice_bytes: int
) -> None:
    monkeypatch.setattr(lines, "_SLICE_BYTES", slice_bytes)
    rng = Random(seed)
    share = rng.choice([0, 0.01, 0.3])
    rows = [
        rng.choice(ODD) if rng.random() < share else GOOD for _ in range(rng.choice([1, 2, 300]))
    ]
    batch = cut(b"\n".join(rows) + b"\n", 7, 10, 3)
    assert batch["bare"].to_pylist() == [bare(row) for row in rows]
    assert batch["line_number"].to_pylist() == list(range(11, 11 + len(rows)))
    assert set(batch["object_number"].to_pylist()) == {7}
    assert batch["raw_line"].to_pylist() == [
        row.decode(errors="backslashreplace") + "\n" for row in rows
    ]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_changes_the_count_of_no_other(odd: bytes) -> None:
    for place in range(4):
        rows = [GOOD] * 3
        rows.insert(place, odd)
        counts = cut(b"\n".join(rows) + b"\n", 1, 0, 3)["bare"].to_pylist()
        assert counts.pop(place) == bare(odd)
        assert counts == [3, 3, 3]
