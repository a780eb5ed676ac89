"""Listing a landing lake: what lies there."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake import landed_objects, object_keys
from ingestion.lake.landed_objects import LandedObject
from ingestion.lake.object_text import fetch, read_text
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


def test_objects_are_listed_with_their_hour_size_and_etag(root: Path) -> None:
    key = put(root, b"123")
    (found,) = listed(root)
    assert (found.topic, found.folder_hour, found.key, found.size) == (TOPIC, HOUR, key, 3)
    assert found.etag
    assert '"' not in found.etag


def test_the_etag_of_a_listing_is_the_etag_of_the_reading(root: Path) -> None:
    key = put(root, gzip.compress(b"x\n"))
    text = read_text(fetch(landed_objects.open_store(settings(landing=str(root))), key))
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


def test_a_file_that_is_renamed_while_its_folder_is_listed_is_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [put(root, b"1", HOUR + timedelta(hours=hours)) for hours in range(2)]
    renamed = root / keys[0].replace(".json.gz", ".json.gz#1")
    scandir = os.scandir

    def rename_then(path: Path) -> Any:
        renamed.write_bytes(b"1")
        entries = list(scandir(path))
        renamed.unlink()
        return entries

    monkeypatch.setattr(os, "scandir", rename_then)
    assert [(each.key, each.error) for each in listed(root)] == [(key, None) for key in keys]


def test_a_folder_that_may_not_be_listed_fails_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [put(root, b"1", HOUR + timedelta(hours=hours)) for hours in range(3)]
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if path.name == "hour=08":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = listed(root)
    assert [each.key for each in found if not each.error] == [keys[0], keys[2]]
    (refused,) = (each for each in found if each.error)
    assert refused.key == "topics/clickstream/dt=2026-11-01/hour=08"
    assert (refused.error or "").startswith("cannot be listed: [Errno 13] Permission denied")


@pytest.mark.parametrize("link", ["topics", "topics/clickstream"])
def test_a_folder_that_is_a_link_out_of_the_lake_is_not_listed(
    root: Path, tmp_path: Path, link: str
) -> None:
    put(root, b"1")
    (root / link).rename(tmp_path / "outside")
    (root / link).symlink_to(tmp_path / "outside")
    assert [(each.key, each.error) for each in listed(root)] == [
        ("topics/clickstream", "cannot be listed: it is a link that leads out of the lake")
    ]


def test_a_landing_folder_that_is_a_link_is_listed(root: Path, tmp_path: Path) -> None:
    key = put(root, b"1")
    (tmp_path / "link").symlink_to(root)
    (root / "topics" / TOPIC).rename(root / "elsewhere")
    (root / "topics" / TOPIC).symlink_to(root / "elsewhere")
    assert [each.key for each in listed(tmp_path / "link")] == [key], "a link within the lake too"
