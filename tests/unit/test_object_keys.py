"""Object keys: what is built is parsed back, and nothing else counts as landed."""

from datetime import UTC, datetime

import pytest

from ingestion.contract.topics import TOPICS
from ingestion.lake import object_keys

HOUR = datetime(2026, 11, 1, 7, tzinfo=UTC)
KEY = "topics/clickstream/dt=2026-11-01/hour=07/clickstream+3+0000000042.json.gz"


def test_a_key_names_topic_hour_partition_and_start_offset() -> None:
    assert object_keys.object_key("clickstream", HOUR.replace(minute=59), 3, 42) == KEY


def test_a_start_offset_of_more_than_ten_digits_is_written_whole() -> None:
    key = object_keys.object_key("clickstream", HOUR, 0, 12_345_678_901)
    assert key.endswith("/clickstream+0+12345678901.json.gz")
    assert object_keys.is_landed(key)


@pytest.mark.parametrize("topic", TOPICS)
def test_keys_and_folders_lead_back_to_their_hour(topic: str) -> None:
    for text in (
        object_keys.object_key(topic, HOUR, 0, 0),
        object_keys.hour_folder(topic, HOUR),
        object_keys.hour_folder(topic, HOUR) + "/",
    ):
        assert object_keys.folder_hour(text) == HOUR
    assert object_keys.folder_day(object_keys.day_folder(topic, HOUR)) == HOUR.replace(hour=0)
    assert object_keys.folder_day(object_keys.day_folder(topic, HOUR) + "/") == HOUR.replace(hour=0)
    assert object_keys.hour_folder(topic, HOUR).startswith(
        object_keys.day_folder(topic, HOUR) + "/"
    )
    assert object_keys.day_folder(topic, HOUR).startswith(object_keys.topic_prefix(topic) + "/")


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "topics/clickstream",
        "topics/clickstream/dt=2026-11-01",
        "topics/clickstream/dt=2026-11-01/hour=24",
        "topics/clickstream/dt=2026-11-01/hour=7",
        "topics/clickstream/dt=2026-11-01/hour=007",
        "topics/clickstream/dt=2026-02-29/hour=07",
        "topics/clickstream/dt=2026-1-01/hour=07",
        "topics/click/stream/dt=2026-11-01/hour=07",
        "old/topics/clickstream/dt=2026-11-01/hour=07",
        "topics/clickstream/dt=2026-11-01/hour=07-old",
    ],
)
def test_a_folder_of_another_shape_has_no_hour(folder: str) -> None:
    assert object_keys.folder_hour(folder) is None


@pytest.mark.parametrize("folder", ["topics/clickstream/tmp", "topics/clickstream/dt=2026-13-01"])
def test_a_folder_of_another_shape_has_no_day(folder: str) -> None:
    assert object_keys.folder_day(folder) is None


def test_a_landed_object_may_have_any_name_in_an_hour_folder() -> None:
    assert object_keys.is_landed(KEY)
    assert object_keys.is_landed("topics/clickstream/dt=2026-11-01/hour=07/copied by hand.json.gz")


@pytest.mark.parametrize(
    "key",
    [
        "topics/clickstream/dt=2026-11-01/hour=07/.clickstream+3+0000000042.json.gz.part",
        "topics/clickstream/dt=2026-11-01/hour=07/clickstream+3+0000000042.json",
        "topics/clickstream/dt=2026-11-01/hour=07/deeper/clickstream+3+0000000042.json.gz",
        "topics/clickstream/dt=2026-11-01/clickstream+3+0000000042.json.gz",
        "topics/clickstream/dt=2026-11-01/hour=99/clickstream+3+0000000042.json.gz",
        "clickstream+3+0000000042.json.gz",
    ],
)
def test_other_objects_are_not_landed(key: str) -> None:
    assert not object_keys.is_landed(key)
