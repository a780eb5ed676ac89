"""Cutting a text into lines, and judging each line's JSON by its shape."""

import json
from random import Random
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contract.strict_json import json_problem
from ingestion.lake import lines as cutting
from ingestion.lake.line_shapes import shapes
from ingestion.lake.lines import INVALID_UTF8, LineCutter

TOPIC = "clickstream"
GOOD = (
    b'{"event_id":"e1","channel":"w\xc3\xa9b","_topic":"clickstream",'
    b'"_partition":0,"_offset":12,"_timestamp":1793541600280}'
)
REAL = (
    b'{"event_id": "e1", "page": {"kind": "pdp", "at": [1, 2.5e3]}, "tests": ["a", "b"], "note": '
    b'"\\u00e9 \\"so\\" \\\\", "ref": null, "seen": true, "_offset": 12, "_partition": 0}'
)
ODD = [
    b"", b" ", b"{}", b"null", b"5", b'"x"', b"[1]", b"nonsense", b'"', b'":', b'{"a":',
    b'{"a":"', b'{"a":"x"', b'{"a":"x', b'{"a":"\\', b'{"a":"\\"', b'{"a":"\\\\"',
    b'{"a":"\\\\"}', b"\\", b"\\\\", b'{"event_id" :5}', b'{"event_id":5}', b'{"event_id":""}',
    b'{"a":1,"a":2}', b'{"a":"x","a":"y"}', b'{"a" :"x","a" :"y"}', b'{"a" :"x","b" :"y"}',
    b'{"a"\t:1,"a"\t:1}', b'{"a":"x" ,"a":"y"}', b'{"a":"","":"a"}', b'{"a\\"":1,"a\\"":2}',
    b'{"a\\u0062":1,"ab":2}', b'{"p":{"a":1},"a":2,"q":{"a":3}}', b'{"p":{"a":1,"a":2}}',
    b'{"a":[1,2]}', b'{"a":[1,]}', b'{"a":[1, ]}', b'{"a":["x","y"]}', b'{"a":["x",]}',
    b'{"a":[1,{"b":"x","b":"y"}]}', b'{"a":1,}', b'{"a":NaN}', b'{"a":"NaN"}', b'{"a":[NaN]}',
    b'{"a":-Infinity}', b'{"a":01}', b'{"a":1.}', b'{"a":.5}', b'{"a":1e}', b'{"a":tru0e}',
    b'{"a":t1}', b'{"a":1 2}', b'{"a":--1}', b'{"a":"\t"}', b'{"a":"\\u0000"}',
    b'{"a":"\\\\u0000"}', b'{"a":"\\ud800"}', b'{"a":"\\udc00"}', b'{"a":"\\x"}',
    b'{"a":"\\ud83d\\ude00"}', b'{"a":"\xff"}', b'{"a":\x00}', b'{"a":"\x00"}', b"\xef\xbb\xbf{}",
    b"{" + b'"x":1,' * 70_000 + b"}", b'{"' + b"k" * 500 + b'":1,"' + b"k" * 500 + b'":2}',
    b"[" * 3000 + b"]" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"a":"""b":1}', b'{"a":"","b":"",}', b'{"a":"" "b":1}', b'{"quantity":""}',
    b'{"quantity":"x"}', b'{"quantity": "","a":""}', b'{"quantity": "x","a":"x"}',
    b'{"a:\\"":1,"a:\\"":2}', b'{"a" : "" : 1}',
    GOOD.replace(b":0,", b':"0",'), GOOD.replace(b":12,", b":12, "), GOOD + b" ", b" " + GOOD,
    GOOD + b"\r", GOOD + GOOD, GOOD[:-1], GOOD + b"}", REAL.replace(b"2.5e3", b"2.5e3,"),
    REAL.replace(b'"_partition"', b'"_offset"'), REAL.replace(b'"kind"', b'"at"'),
]  # fmt: skip
"""Lines that are not as the others."""


def problems(rows: list[bytes], cutter: LineCutter) -> list[str | None]:
    """What `cut` says of each row."""
    batch = cutter.cut(b"\n".join(rows) + b"\n", 7, 10)
    assert batch["line_number"].to_pylist() == list(range(11, 11 + len(rows)))
    assert set(batch["object_number"].to_pylist()) == {7}
    assert batch["raw_line"].to_pylist() == [
        row.decode(errors="backslashreplace") + "\n" for row in rows
    ]
    found: list[str | None] = batch["json_problem"].to_pylist()
    return found


def strict(row: bytes) -> str | None:
    """What the strict parser says of a row alone."""
    try:
        return json_problem(row.decode(), TOPIC)
    except UnicodeDecodeError:
        return INVALID_UTF8


def duckdb_parses(row: bytes) -> bool:
    return bool(duckdb.execute("select json_valid(?)", [row.decode()]).fetchall()[0][0])


def agree(row: bytes, found: str | None) -> bool:
    """The strict parser's verdict; where a shape hides the problem, DuckDB's parser sees it."""
    expected = strict(row)
    return found == expected or (found is None and not duckdb_parses(row))


@pytest.mark.parametrize("slice_bytes", [1, 100, 1 << 18])
@pytest.mark.parametrize("seed", range(20))
def test_each_line_is_judged_as_if_it_were_alone(
    monkeypatch: pytest.MonkeyPatch, seed: int, slice_bytes: int
) -> None:
    monkeypatch.setattr(cutting, "_SLICE_BYTES", slice_bytes)
    rng = Random(seed)
    share = rng.choice([0, 0.01, 0.3])
    usual = rng.choice([GOOD, REAL])
    rows = [
        rng.choice(ODD) if rng.random() < share else usual for _ in range(rng.choice([1, 2, 300]))
    ]
    found = problems(rows, LineCutter(TOPIC))
    assert [row for row, why in zip(rows, found, strict=True) if not agree(row, why)] == []


@pytest.mark.parametrize("usual", [GOOD, REAL])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_changes_the_verdict_of_no_other(odd: bytes, usual: bytes) -> None:
    for place in range(4):
        rows = [usual] * 3
        rows.insert(place, odd)
        found = problems(rows, LineCutter(TOPIC))
        assert agree(odd, found.pop(place))
        assert found == [None] * 3


def test_every_odd_line_is_found_among_all_shapes_that_ever_passed() -> None:
    cutter = LineCutter(TOPIC)
    rows = [*ODD, GOOD, REAL]
    problems(rows, cutter)
    assert [row for row in rows if not agree(row, problems([row], cutter)[0])] == []


@pytest.mark.parametrize("usual", [GOOD, REAL])
def test_lines_of_a_shape_that_passed_are_not_judged_again(
    monkeypatch: pytest.MonkeyPatch, usual: bytes
) -> None:
    cutter = LineCutter(TOPIC)
    problems([usual], cutter)
    monkeypatch.setattr(cutting, "json_problem", lambda *_: pytest.fail("judged again"))
    assert problems(
        [usual.replace(b"12", b"3450"), usual.replace(b'"e1"', b'"other"')], cutter
    ) == [
        None,
        None,
    ]


MANY = [f"field_{number}" for number in range(14)]


def some_empty(rng: Random) -> bytes:
    texts = {name: rng.choice(["", "x"]) for name in MANY}
    return json.dumps(json.loads(GOOD) | texts, separators=rng.choice([(",", ":"), None])).encode()


def judged_in(rows: list[bytes], monkeypatch: pytest.MonkeyPatch, cutter: LineCutter) -> int:
    """How many lines the strict parser sees."""
    seen = list[str]()

    def judge(line: str, topic: str) -> str | None:
        seen.append(line)
        return json_problem(line, topic)

    monkeypatch.setattr(cutting, "json_problem", judge)
    assert problems(rows, cutter) == [None] * len(rows)
    return len(seen)


def test_texts_that_are_empty_now_and_then_are_not_judged_in_each_combination(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = Random(1)
    rows = [some_empty(rng) for _ in range(3000)]
    assert judged_in(rows, monkeypatch, LineCutter(TOPIC)) <= 4, "with blanks and without"


def test_an_empty_text_passes_where_another_one_does_not() -> None:
    empty, filled = (GOOD[:-1] + b',"quantity":%s}' % text for text in (b'""', b'"x"'))
    rows = [empty, filled, GOOD, filled, empty, filled]
    found = problems(rows, LineCutter(TOPIC))
    assert found == [strict(row) for row in rows]
    assert found[0] is None
    assert found[1] == "quantity is of type string, not integer"


def test_blanks_before_a_colon_make_no_line_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        GOOD.replace(b'":', b'"%s:' % blanks).replace(b"12", b"%d" % number)
        for number in range(99)
        for blanks in (b"", b" ", b"\t\r", b" " * 999)
    ]
    problems([GOOD], cutter := LineCutter(TOPIC))
    assert judged_in(rows, monkeypatch, cutter) == 0


def test_shapes_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_MOST_SHAPES", 10)
    cutter = LineCutter(TOPIC)
    problems([b'{"k%d":1}' % number for number in range(99)], cutter)
    assert 0 < len(cutter.fine) <= 10
    assert judged_in([GOOD] * 9, monkeypatch, cutter) >= 1
    assert judged_in([GOOD] * 9, monkeypatch, cutter) == 0


def shape(line: str) -> str:
    text = np.frombuffer(line.encode() + b"\n", np.uint8)
    return shapes(text, np.flatnonzero(text == ord("\n")))[0].decode()


def test_a_shape_keeps_keys_punctuation_words_and_empty_texts() -> None:
    line = '{"sku_id":"A-1","n2":-12.5,"tags":["x",null,"",[1,22]], "k\\":": "a\\\\"}'
    assert shape(line) == '{"sku_id":","n2":-0.0,"tags":[",null,"",[0,0]], "k\\":": "}'


def test_a_shape_loses_blanks_before_a_colon_and_no_others() -> None:
    line = '{ "a" :1, "b\t:" \t\r : "x :" , "c":[ 1 ] }'
    assert shape(line) == '{ "a":0, "b\t:": " , "c":[ 0 ] }'


@pytest.mark.parametrize("line", ['{"a":"x}', '"', '{"a":{:1}}', '{"a":{ :1}}', "{ :1}", " :"])
def test_a_line_whose_keys_cannot_be_told_from_values_has_no_shape(line: str) -> None:
    assert shape(line) == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : "), (",", "\t :")]),
    st.randoms(use_true_random=False),
)
def test_made_up_objects_are_judged_as_the_strict_parser_judges_them(
    objects: list[dict[str, Any]], escape: bool, marks: tuple[str, str], rng: Random
) -> None:
    rows = [
        json.dumps(each, ensure_ascii=escape, separators=marks).encode(errors="replace")
        for each in objects
    ]
    rows += [damaged(rng, row) for row in rows for _ in range(3)]
    cutter = LineCutter(TOPIC)
    for _ in range(2):
        found = problems(rows, cutter)
        assert [row for row, why in zip(rows, found, strict=True) if not agree(row, why)] == []


def damaged(rng: Random, row: bytes) -> bytes:
    """The row with a few bytes of JSON's own put in, left out or repeated."""
    for _ in range(rng.randint(1, 3)):
        at, to = sorted(rng.randrange(len(row) + 1) for _ in range(2))
        mark = bytes([rng.choice(b'",:\\ \t0[]{}')])
        row = rng.choice(
            [
                row[:at] + mark + row[at:],
                row[:at] + row[at + 1 :],
                row[:to] + row[at:to] + row[to:],
            ]
        )
    return row.replace(b"\n", b"")
