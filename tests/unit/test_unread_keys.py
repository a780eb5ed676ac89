"""A lake that is there and not read: what lies there, what is read, and what to change."""

from pathlib import Path

import pytest
from obstore.store import LocalStore

from ingestion.contract.topics import TOPICS
from ingestion.lake import landed_objects, unread_keys

FILE = "clickstream+0+0000000000.json"
HOUR = "dt=2026-11-01/hour=09"


@pytest.mark.parametrize(
    ("key", "cure"),
    [
        (f"topics/clickstream/{HOUR}/{FILE}", "s3.compression.type=gzip"),
        (f"topics/clickstream/year=2026/month=11/day=01/hour=10/{FILE}.gz", "path.format="),
        (f"topics/clickstream/partition=0/{FILE}.gz", "partitioner.class="),
        (f"topics/shop.clickstream.v1/{HOUR}/{FILE}.gz", "RegexRouter"),
        (f"clickstream/{HOUR}/{FILE}.gz", "set TWIST_LANDING to the folder above"),
        (f"a/b/topics/clickstream/{HOUR}/{FILE}.gz", "set TWIST_LANDING to its folder a/b"),
        (f"topics/clickstream/{FILE}.gz", "landing.json"),
    ],
)
def test_each_layout_has_the_property_that_makes_it_read(
    tmp_path: Path, key: str, cure: str
) -> None:
    (tmp_path / key).parent.mkdir(parents=True)
    (tmp_path / key).write_bytes(b"{}")
    keys = unread_keys.found_instead(LocalStore(tmp_path))
    assert keys == [key]
    said = unread_keys.sentence("the lake", keys)
    assert said.startswith(f"nothing in the lake is recognized: it holds {key}; the loader reads ")
    assert cure in said


def test_at_most_three_keys_are_named() -> None:
    keys = [f"topics/clickstream/{HOUR}/{number}.json" for number in range(5)]
    assert unread_keys.warning(keys).startswith(f"5 not read: {', '.join(keys[:3])} and 2 more: ")
    assert unread_keys.warning([]) == ""


def test_what_lies_beside_good_objects_and_is_not_read_is_listed_so(tmp_path: Path) -> None:
    for name in (
        f"{HOUR}/{FILE}.gz", f"{HOUR}/{FILE}", f"{HOUR}/_SUCCESS", f"{HOUR}/x.json.gz.part",
        f"year=2026/{FILE}.gz", f"partition=0/{FILE}.gz", f"dt=2026-11-01/h=9/{FILE}.gz",
        f"dt=2026-11-01/{FILE}.gz", f"{FILE}.gz",
    ):  # fmt: skip
        path = tmp_path / "topics" / "clickstream" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = list(landed_objects.list_landed(LocalStore(tmp_path), "clickstream", unread=True))
    assert [each.key for each in found if not each.error] == [
        f"topics/clickstream/{HOUR}/{FILE}.gz"
    ]
    unread = [each.key.removeprefix("topics/clickstream/") for each in found if each.error]
    assert sorted(unread) == [
        f"{FILE}.gz", f"dt=2026-11-01/{FILE}.gz", "dt=2026-11-01/h=9/", f"{HOUR}/{FILE}",
        "partition=0/", "year=2026/",
    ]  # fmt: skip


def test_markers_are_no_keys_and_a_lake_with_one_recognized_key_is_read(tmp_path: Path) -> None:
    hour = tmp_path / "topics" / "clickstream" / HOUR
    hour.mkdir(parents=True)
    (hour / "_SUCCESS").write_bytes(b"x")
    (tmp_path / "marker").write_bytes(b"")
    assert unread_keys.found_instead(LocalStore(tmp_path)) == []
    (hour / FILE).write_bytes(b"{}")
    assert len(unread_keys.found_instead(LocalStore(tmp_path))) == 1
    (hour / f"{FILE}.gz").write_bytes(b"x")
    assert unread_keys.found_instead(LocalStore(tmp_path)) == []


def test_what_lies_beside_the_folders_of_the_topics_is_listed_so(tmp_path: Path) -> None:
    for name in ("clickstream", "dead_letters", "shop.clickstream.v1", "orders", "_tmp", ".git"):
        (tmp_path / "topics" / name).mkdir(parents=True)
    (tmp_path / "topics" / f"{FILE}.gz").write_bytes(b"x")
    (tmp_path / "topics" / "product_catalog").symlink_to(tmp_path)
    store = LocalStore(tmp_path)
    beside = [each.key for each in landed_objects.beside_topics(store)]
    assert beside == ["topics/orders/", "topics/shop.clickstream.v1/", f"topics/{FILE}.gz"]
    assert landed_objects.beside_topics(LocalStore(tmp_path / "topics")) == []
    said = unread_keys.warning(beside[:1])
    assert said.startswith("1 not read: topics/orders/: its topic is none of clickstream, ")


def test_a_folder_beside_the_topics_is_of_the_topic_that_its_name_has() -> None:
    meant = {
        key: [topic for topic in TOPICS if unread_keys.meant_for(topic, key)]
        for key in ("topics/shop.clickstream.v1/", "topics/SKU-availability/", "topics/orders/")
    }
    assert list(meant.values()) == [["clickstream"], ["sku_availability"], []]
