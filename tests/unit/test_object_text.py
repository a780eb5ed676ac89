"""Reading an object: its lines, or why it cannot be read. Whatever it holds, it is bounded."""

import gzip
import os
import zlib
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from obstore.store import LocalStore

from ingestion.lake import object_text
from ingestion.lake.lines import INVALID_UTF8, LineCutter
from ingestion.lake.object_text import ObjectError, fetch, read_text

KEY = "topics/clickstream/dt=2026-11-01/hour=07/clickstream+0+0000000000.json.gz"


class Read(NamedTuple):
    """An object as it was read: its lines, and those that are not UTF-8 (from 1)."""

    lines: list[str]
    bad: tuple[int, ...]
    error: str | None = None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / KEY).parent.mkdir(parents=True)
    return tmp_path


def read(root: Path, body: bytes | None) -> Read:
    if body is not None:
        (root / KEY).write_bytes(body)
    try:
        text = read_text(fetch(LocalStore(root), KEY))
    except ObjectError as error:
        if body is not None:
            assert error.size in (None, len(body))
        return Read([], (), str(error))
    assert body is None or text.size == len(body)
    lines: list[str] = []
    bad: list[int] = []
    for piece in text.pieces:
        batch = LineCutter("clickstream").cut(piece, 7, len(lines))
        assert batch["line_number"].to_pylist() == [
            *range(len(lines) + 1, len(lines) + 1 + len(batch))
        ]
        bad += [
            n
            for n, problem in zip(
                batch["line_number"].to_pylist(), batch["json_problem"].to_pylist(), strict=True
            )
            if problem == INVALID_UTF8
        ]
        lines += [line.removesuffix("\n") for line in batch["raw_line"].to_pylist()]
    return Read(lines, tuple(bad))


def test_lines_are_counted_with_or_without_a_last_newline(root: Path) -> None:
    for body in (b"a\nb", b"a\nb\n"):
        assert read(root, gzip.compress(body)) == (["a", "b"], (), None)


def test_blank_lines_are_lines(root: Path) -> None:
    for body, count in ((b"\n", 1), (b"\n\n", 2), (b"a\n\nb\n", 3), (b"a\n\n", 2), (b" ", 1)):
        assert len(read(root, gzip.compress(body)).lines) == count


def test_a_whole_gzip_of_nothing_has_no_lines_and_no_error(root: Path) -> None:
    assert read(root, gzip.compress(b"")) == ([], (), None)


def test_every_member_of_a_gzip_is_read(root: Path) -> None:
    body = gzip.compress(b"a\n") + gzip.compress(b"") + gzip.compress(b"b\nc\n")
    assert read(root, body).lines == ["a", "b", "c"]


def test_zero_bytes_behind_the_last_member_are_padding(root: Path) -> None:
    assert read(root, gzip.compress(b"a\n") + bytes(512)) == (["a"], (), None)


def test_a_large_object_is_read_whole(root: Path) -> None:
    rng = Random(1)
    lines = [rng.randbytes(rng.randrange(2_000)).hex() for _ in range(3_000)]
    assert read(root, gzip.compress("\n".join([*lines, "end"]).encode(), 1)).lines == [
        *lines,
        "end",
    ]


def test_an_object_too_large_to_be_kept_is_inflated_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_text, "KEPT_BYTES", 100)
    monkeypatch.setattr(object_text, "PIECE_BYTES", 30)
    lines = [str(number) * (number % 40) for number in range(200)]
    body = gzip.compress("\n".join([*lines, "end"]).encode())
    assert read(root, body).lines == [*lines, "end"]
    assert (read(root, body[:-1]).error or "").startswith("cut: ")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty: 0 bytes, not even a gzip header"),
        (b"\x1f", "cut: "),
        (gzip.compress(b"a\n" * 999, mtime=0)[:10], "cut: "),
        (gzip.compress(b"a\n" * 999, mtime=0)[:-1], "cut: "),
        (gzip.compress(b"a\n" * 999, mtime=0)[:-8], "cut: "),
        (gzip.compress(b"a\n", mtime=0) + gzip.compress(b"b\n", mtime=0)[:-3], "cut: "),
        (b'{"event_id": "plain"}\n', "not gzip: "),
        (b"PK\x03\x04" + bytes(40), "not gzip: "),
        (bytes(40), "not gzip: "),
        (zlib.compress(b"a\n"), "not gzip: "),
        (gzip.compress(b"a\n", mtime=0) + b"rest" * 9, "not gzip: "),
        (b"\x1f\x8b\x07" + bytes(40), "damaged gzip: "),
    ],
    ids=str,
)
def test_an_object_that_is_not_whole_gzip_has_a_reason_and_no_text(
    root: Path, body: bytes, reason: str
) -> None:
    text = read(root, body)
    assert text.error is not None
    assert text.error.startswith(reason)
    assert text.lines == []


@pytest.mark.parametrize("place", [-1, -5])
def test_a_wrong_length_or_checksum_is_damage(root: Path, place: int) -> None:
    body = bytearray(gzip.compress(b"a\n" * 999))
    body[place] ^= 1
    text = read(root, bytes(body))
    assert text.error is not None
    assert text.error.startswith("damaged gzip: ")


def test_no_single_wrong_byte_is_taken_for_content(root: Path) -> None:
    content = b"".join(b"%d\n" % number for number in range(300))
    good = gzip.compress(content, mtime=0)
    for place in range(10, len(good)):  # the header's fields say nothing of the content
        body = bytearray(good)
        body[place] ^= 0x55
        text = read(root, bytes(body))
        assert text.error is not None, place


def test_a_bomb_is_refused_and_what_just_fits_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_text, "MAX_TEXT_BYTES", 1000)
    assert len(read(root, gzip.compress(b"x" * 1000)).lines) == 1
    assert len(read(root, gzip.compress(b"x" * 500) * 2).lines) == 1
    for bomb in (gzip.compress(b"x" * 1001), gzip.compress(b"x" * 501) * 2):
        assert read(root, bomb).error == "too large: inflates to more than 1,000 bytes"


@pytest.mark.parametrize("place", ["begin", "middle", "end"])
def test_a_line_that_is_too_long_and_too_many_lines_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(object_text, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(object_text, "MAX_LINES", 50)
    monkeypatch.setattr(object_text, "PIECE_BYTES", 100)
    others = [b"x" * 1000] * 5
    others.insert({"begin": 0, "middle": 2, "end": 5}[place], b"y" * 1200)
    assert (
        read(root, gzip.compress(b"\n".join(others))).error == "a line is longer than 1,000 bytes"
    )
    assert read(root, gzip.compress(b"\n" * 51)).error == "more than 50 lines"
    assert len(read(root, gzip.compress(b"\n" * 50)).lines) == 50


def test_many_small_members_take_no_longer_than_one(root: Path) -> None:
    member = gzip.compress(b"a\n", mtime=0)
    assert len(read(root, member * 20_000 + bytes(100_000)).lines) == 20_000


def test_an_object_deleted_after_the_listing_has_vanished(root: Path) -> None:
    assert read(root, None).error == "vanished: it was listed, but is not there any more"


def test_a_pipe_a_folder_and_a_link_are_not_opened(root: Path) -> None:
    os.mkfifo(root / KEY)
    assert (read(root, None).error or "").startswith("no regular file: ")
    (root / KEY).unlink()
    (root / "other").write_bytes(gzip.compress(b"a\n"))
    (root / KEY).symlink_to(root / "other")
    assert (read(root, None).error or "").startswith("no regular file: ")
    (root / KEY).unlink()
    (root / KEY).mkdir()
    assert (read(root, None).error or "").startswith("no regular file: ")


def test_a_folder_that_is_a_link_out_of_the_lake_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / Path(KEY).name).write_bytes(gzip.compress(b"secret\n"))
    (root / KEY).parent.rmdir()
    (root / KEY).parent.symlink_to(outside)
    assert (read(root, None).error or "").startswith("not in the lake: ")


def test_whatever_a_store_raises_stops_no_other_object(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_store: object, _key: str) -> object:
        raise ConnectionError("reset by peer\nand much more")

    monkeypatch.setattr(object_text, "get", refuse)
    assert read(root, gzip.compress(b"")).error == "cannot be read: reset by peer"


def test_lines_that_are_not_utf8_are_numbered_and_keep_their_bytes_readable(root: Path) -> None:
    text = read(root, gzip.compress(b"good\ncaf\xe9\n\xc3\xa9\n\\\xff\n\xed\xa0\x80"))
    assert text.bad == (2, 4, 5)
    assert text.lines == ["good", "caf\\xe9", "é", "\\\\xff", "\\xed\\xa0\\x80"]


def test_only_a_line_feed_ends_a_line(root: Path) -> None:
    text = read(root, gzip.compress("a\r\nb\u2028c\x0bd\x85e\0f\n".encode()))
    assert text == (["a\r", "b\u2028c\x0bd\x85e\0f"], (), None)
