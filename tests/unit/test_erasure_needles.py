"""An id is found however it is written and whatever is beside it; a longer one is another."""

import pytest

from ingestion.lake.erased_lines import NO_JSON
from orchestration.erasure.needles import Needles
from tests.unit.test_erasure import erased

NEXT_TO = "victim-0001"


@pytest.mark.parametrize(
    "text",
    [
        r'"\tvictim-0001\t"', r"\nvictim-0001\n", r"\r\nvictim-0001", r"\u0000victim-0001\u0000",
        r"\\nvictim-0001", r"\/victim-0001\/x", r"\"victim-0001\"",
        "?next=%2Fa%3Fid%3Dvictim-0001%26x", "%20victim-0001%20", "%22victim-0001%22",
        "%253Dvictim-0001",
        "„victim-0001“", "»victim-0001«", "—victim-0001—",
        "id=victim-0001&x", '"victim-0001"', "It was victim-0001.", "(victim-0001)",
        "victim-0001: no",
        "victim-0001...", "-victim-0001-", "victim-0001:s1", "https://shop.example/victim-0001?x",
    ],
)  # fmt: skip
def test_an_id_is_found_beside_escapes_and_typographic_marks(text: str) -> None:
    found = Needles([NEXT_TO]).find(text.encode(), within_text=True)
    assert [who for _, who in found] == [NEXT_TO]
    assert erased(f"x\nno JSON {text}\ny".encode(), NEXT_TO).split(b"\n")[1] == NO_JSON.encode()


@pytest.mark.parametrize(
    ("text", "visitor"),
    [
        ("victim-0001-abc", NEXT_TO), ("mary.ann@shop.example", "ann@shop.example"),
        ("mary%2Eann%40shop.example", "ann@shop.example"),
        (r"mary\u002eann@shop.example", "ann@shop.example"),
        ("ann@shop.example.org.", "ann@shop.example"), ("x_victim-0001", NEXT_TO),
        ("victim-00012", NEXT_TO), ("évictim-0001", NEXT_TO), ("victim-0001é", NEXT_TO),
        (r"\u00e9victim-0001", NEXT_TO), ("victim-0001%C3%A9", NEXT_TO),
        ("%41victim-0001", NEXT_TO),
    ],
)  # fmt: skip
def test_a_longer_id_that_contains_another_is_not_it(text: str, visitor: str) -> None:
    assert not list(Needles([visitor]).find(f'"{text}"'.encode(), within_text=True))
    assert erased(f"by {text}".encode(), visitor) == f"by {text}".encode()


@pytest.mark.parametrize(
    ("text", "visitor"),
    [
        (r"J\u00DCrgen-1", "JÜrgen-1"), (r"J\\u00Dcrgen-1", "JÜrgen-1"),
        (r"shop\/ann-1", "shop/ann-1"),
        (r"smile-\uD83D\uDE00", "smile-😀"), ("shop%2fann-1", "shop/ann-1"),
        ("ann%20b@shop.example", "ann b@shop.example"), ("J%c3%9crgen-1", "JÜrgen-1"),
        ("ann%2540shop.example", "ann@shop.example"),
    ],
)  # fmt: skip
def test_an_id_is_found_in_every_spelling_and_in_its_line(text: str, visitor: str) -> None:
    lines = f"%41%0A\\n first\nby {text} \nlast \\u0041".encode()
    for within_text in (True, False):
        ((at, found),) = Needles([visitor]).find(lines, within_text=within_text)
        assert (found, lines[:at].count(b"\n")) == (visitor, 1)
    assert erased(lines, visitor).split(b"\n")[1] == NO_JSON.encode()


def test_in_pages_a_longer_id_is_another_and_a_neighbouring_value_is_not() -> None:
    pages = b"\x00\x01mary.ann@shop.example\x00victim-0001-abc\x0bAAvictim-0002zz\x2dA\x0b"
    needles = Needles(["ann@shop.example", NEXT_TO, "victim-0002"])
    assert [who for _, who in needles.find(pages, within_text=False)] == ["victim-0002"]


def test_in_pages_a_number_beside_more_digits_is_another_number() -> None:
    needles = Needles(["1234567890"])
    found = {
        page: [who for _, who in needles.find(page, within_text=False)]
        for page in (b"a1234567890b", b"91234567890b", b"a12345678909")
    }
    assert list(found.values()) == [["1234567890"], [], []]
