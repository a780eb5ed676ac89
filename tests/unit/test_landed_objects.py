"""Listing and reading a landing lake: what lies there, and what an object says or why it cannot."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from ingestion.lake import landed_objects, object_keys
from ingestion.lake.landed_objects import LandedObject, ObjectText
from ingestion.settings import Settings, SettingsError

HOUR = datetime(2026, 11, 1, 7, tzinfo=UTC)
TOPIC = "clickstream"


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    return tmp_path / "landing"


def put(root: Path, body: bytes, hour: datetime = HOUR, topic: str = TOPIC, offset: int = 0) -> str:
    key = object_keys.object_key(topic, hour, 0, offset)
    (root / key).parent.mkdir(parents=True, exist_ok=True)
    (root / key).write_bytes(body)
    return key


def listed(root: Path, since: datetime | None = None, topic: str = TOPIC) -> list[LandedObject]:
    return list(
        landed_objects.list_landed(
            landed_objects.open_store(settings(landing=str(root))), topic, since
        )
    )


def read(root: Path, body: bytes) -> ObjectText:
    return landed_objects.read_text(
        landed_objects.open_store(settings(landing=str(root))), put(root, body)
    )


def test_objects_are_listed_with_their_hour_size_and_etag(root: Path) -> None:
    key = put(root, b"123")
    (found,) = listed(root)
    assert (found.topic, found.folder_hour, found.key, found.size) == (TOPIC, HOUR, key, 3)
    assert found.etag
    assert '"' not in found.etag


def test_the_etag_of_a_listing_is_the_etag_of_the_reading(root: Path) -> None:
    text = read(root, gzip.compress(b"x\n"))
    (found,) = listed(root)
    assert (text.etag, text.size) == (found.etag, found.size)


def test_a_rewritten_key_has_another_etag(root: Path) -> None:
    put(root, b"123")
    (before,) = listed(root)
    put(root, b"4567")
    (after,) = listed(root)
    assert before.key == after.key
    assert before.etag != after.etag


def test_only_landed_objects_of_the_topic_are_listed(root: Path) -> None:
    key = put(root, b"1")
    put(root, b"1", topic="sku_availability")
    folder = root / object_keys.hour_folder(TOPIC, HOUR)
    (folder / "notes.txt").write_bytes(b"1")
    (folder / ".clickstream+0+0000000009.json.gz.part").write_bytes(b"1")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "x.json.gz").write_bytes(b"1")
    (root / "topics" / TOPIC / "dt=2026-13-01" / "hour=00").mkdir(parents=True)
    (root / "topics" / TOPIC / "dt=2026-13-01" / "hour=00" / "x.json.gz").write_bytes(b"1")
    assert [found.key for found in listed(root)] == [key]


def test_a_topic_that_never_landed_lists_nothing(root: Path) -> None:
    assert listed(root) == []


def test_a_listing_begins_with_the_hour_it_is_told_and_has_no_end(root: Path) -> None:
    hours = [HOUR + timedelta(hours=h) for h in (-25, -1, 0, 1, 24 * 400)]
    for hour in hours:
        put(root, b"1", hour)
    assert [found.folder_hour for found in listed(root)] == hours
    assert [found.folder_hour for found in listed(root, HOUR)] == hours[2:]
    assert [found.folder_hour for found in listed(root, HOUR - timedelta(hours=1))] == hours[1:]


def test_a_missing_folder_is_a_sentence_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"landing folder .*nowhere does not exist: set TWIST"):
        landed_objects.open_store(settings(landing=str(tmp_path / "nowhere")))


def test_a_file_is_no_landing_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="does not exist"):
        landed_objects.open_store(settings(landing=str(tmp_path / "file")))


def test_an_s3_that_does_not_answer_is_a_sentence_with_the_cure() -> None:
    nobody = settings(
        landing="s3://bucket",
        s3_endpoint="http://127.0.0.1:9",
        s3_access_key_id="k",
        s3_secret_access_key="hush",
    )
    with pytest.raises(SettingsError) as raised:
        landed_objects.open_store(nobody)
    sentence = str(raised.value)
    assert sentence.startswith("the landing lake s3://bucket cannot be listed: ")
    assert "TWIST_S3_ENDPOINT" in sentence
    assert "hush" not in sentence
    assert "\n" not in sentence


def test_lines_are_counted_with_or_without_a_last_newline(root: Path) -> None:
    for body in (b"a\nb", b"a\nb\n"):
        text = read(root, gzip.compress(body))
        assert (text.text, text.line_count, text.error) == (b"a\nb", 2, None)


def test_blank_lines_are_lines(root: Path) -> None:
    for body, count in ((b"\n", 1), (b"\n\n", 2), (b"a\n\nb\n", 3), (b"a\n\n", 2), (b" ", 1)):
        text = read(root, gzip.compress(body))
        assert text.line_count == count
        assert text.text is not None
        assert len(text.text.split(b"\n")) == count


def test_a_whole_gzip_of_nothing_has_no_lines_and_no_error(root: Path) -> None:
    text = read(root, gzip.compress(b""))
    assert (text.text, text.line_count, text.error) == (b"", 0, None)


def test_every_member_of_a_gzip_is_read(root: Path) -> None:
    body = gzip.compress(b"a\n") + gzip.compress(b"") + gzip.compress(b"b\nc\n")
    assert read(root, body).text == b"a\nb\nc"


def test_zero_bytes_behind_the_last_member_are_padding(root: Path) -> None:
    text = read(root, gzip.compress(b"a\n") + bytes(512))
    assert (text.text, text.error) == (b"a", None)


def test_a_large_object_is_read_whole(root: Path) -> None:
    content = Random(1).randbytes(2_000_000).hex().encode()
    text = read(root, gzip.compress(content, 1))
    assert text.text == content


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
    assert text.text is None
    assert text.size == len(body)
    assert text.etag


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
    monkeypatch.setattr(landed_objects, "MAX_TEXT_BYTES", 1000)
    assert read(root, gzip.compress(b"x" * 1000)).line_count == 1
    assert read(root, gzip.compress(b"x" * 500) * 2).line_count == 1
    for bomb in (gzip.compress(b"x" * 1001), gzip.compress(b"x" * 501) * 2):
        assert read(root, bomb).error == "too large: inflates to more than 1,000 bytes"


def test_an_object_deleted_after_the_listing_has_vanished(root: Path) -> None:
    store = landed_objects.open_store(settings(landing=str(root)))
    key = put(root, gzip.compress(b"a\n"))
    assert [found.key for found in landed_objects.list_landed(store, TOPIC)] == [key]
    (root / key).unlink()
    text = landed_objects.read_text(store, key)
    assert text == ObjectText(error="vanished: it was listed, but is not there any more")


def test_whatever_a_store_raises_stops_no_other_object(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_store: object, _key: str) -> object:
        raise ConnectionError("reset by peer\nand much more")

    monkeypatch.setattr(landed_objects, "get", refuse)
    text = landed_objects.read_text(SimpleNamespace(), "key")  # type: ignore[arg-type]  # never asked
    assert text == ObjectText(error="cannot be read: reset by peer")


def test_lines_that_are_not_utf8_are_numbered_and_keep_their_bytes_readable(root: Path) -> None:
    text = read(root, gzip.compress(b"good\ncaf\xe9\n\xc3\xa9\n\\\xff\n\xed\xa0\x80"))
    assert text.bad_lines == (2, 4, 5)
    assert text.line_count == 5
    assert text.text == "good\ncaf\\xe9\né\n\\\\xff\n\\xed\\xa0\\x80".encode()


def test_only_a_line_feed_ends_a_line(root: Path) -> None:
    text = read(root, gzip.compress("a\r\nb\u2028c\x0bd\x85e\0f\n".encode()))
    assert text.line_count == 2
    assert text.text == "a\r\nb\u2028c\x0bd\x85e\0f".encode()
    assert text.bad_lines == ()
