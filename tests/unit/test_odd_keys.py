"""Keys in S3 that are no paths: each is passed over and said, and hides nothing beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

from ingestion import s3
from ingestion.lake import folders, landed_objects, unread_keys
from ingestion.lake.folders import NO_PATH
from ingestion.settings import Settings

TOPIC = "topics/clickstream"
HOUR = f"{TOPIC}/dt=2026-11-01/hour=12"
GOOD = (f"{TOPIC}/dt=2026-10-31/hour=23/a.json.gz", f"{HOUR}/b.json.gz", f"{HOUR}/z.json.gz")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def lake(endpoint: str) -> Settings:
    """An empty place in a bucket of its own."""
    settings = Settings(
        _env_file=None,
        landing=f"s3://lake-{uuid4()}/a/place",
        s3_endpoint=endpoint,
        s3_access_key_id="k",
        s3_secret_access_key="hush",
    )
    s3.sdk_client(settings).create_bucket(Bucket=settings.landing_root.split("/")[2])
    return settings


def put(lake: Settings, *keys: str) -> None:
    bucket, _, place = lake.landing_root.removeprefix("s3://").partition("/")
    client = s3.sdk_client(lake)
    for key in keys:
        client.put_object(Bucket=bucket, Key=f"{place}/{key}", Body=b"123")


def fail(*_: object, **__: object) -> Any:
    pytest.fail("it was listed again")


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (f"{HOUR}//x.json.gz", f"{HOUR}//"),
        (f"{HOUR}/control\x01.json.gz", f"{HOUR}/control\\x01.json.gz"),
        (f"{HOUR}/delete\x7f/x.json.gz", f"{HOUR}/delete\\x7f/"),
        (f"{HOUR}/../x.json.gz", f"{HOUR}/../"),
        (f"{HOUR}/./x.json.gz", f"{HOUR}/./"),
        (f"{HOUR}/..", f"{HOUR}/.."),
        (f"{TOPIC}//dt=2026-11-01/hour=12/x.json.gz", f"{TOPIC}//"),
        (f"{TOPIC}/dt=2026-11-01//hour=12/x.json.gz", f"{TOPIC}/dt=2026-11-01//"),
    ],
)
def test_a_key_that_is_no_path_is_passed_over_and_said(
    lake: Settings, key: str, shown: str
) -> None:
    put(lake, *GOOD, key)
    store = landed_objects.open_store(lake)
    found = list(landed_objects.list_landed(store, "clickstream"))
    assert [(each.key, each.size) for each in found if not each.error] == [(k, 3) for k in GOOD]
    assert all(each.etag and '"' not in each.etag for each in found if not each.error)
    assert [(each.key, each.error) for each in found if each.error] == [(shown, NO_PATH)]
    assert landed_objects.newest_folder(store, "clickstream") == datetime(
        2026, 11, 1, 12, tzinfo=UTC
    )


def test_such_keys_beside_the_topics_hide_nothing(lake: Settings) -> None:
    put(lake, *GOOD, "/x", "topics//x", "topics/other/x")
    store = landed_objects.open_store(lake)
    found = list(landed_objects.list_landed(store, "clickstream"))
    assert [each.key for each in found] == list(GOOD)
    assert [each.key for each in landed_objects.beside_topics(store)] == ["topics/other/"]


def test_a_lake_that_is_not_read_is_known_despite_such_a_key(lake: Settings) -> None:
    put(lake, "/x", "clickstream/dt=2026-11-01/hour=12/a.json.gz")
    assert unread_keys.found_instead(landed_objects.open_store(lake)) == [
        "/x",
        "clickstream/dt=2026-11-01/hour=12/a.json.gz",
    ]


def test_a_usual_folder_is_listed_once(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, *GOOD, f"{HOUR}/", f"{HOUR}/odd\u200b.json.gz")
    store = landed_objects.open_store(lake)
    with monkeypatch.context() as patched:
        patched.setattr(s3, "sdk_client", fail)
        usual = list(landed_objects.list_landed(store, "clickstream", unread=True))
    assert [each.key for each in usual] == [*GOOD[:2], f"{HOUR}/odd\u200b.json.gz", GOOD[2]]
    put(lake, f"{HOUR}//y", f"{TOPIC}//y")
    again = list(landed_objects.list_landed(store, "clickstream", unread=True))
    assert [each for each in again if each.error != NO_PATH] == usual
    assert len(again) == len(usual) + 2


def test_a_store_that_refuses_the_second_listing_is_a_folder_that_cannot_be_listed(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lake, f"{HOUR}//x", f"{HOUR}/a.json.gz")
    store = landed_objects.open_store(lake)
    other = lake.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"})
    monkeypatch.setattr(store, "settings", other)
    (found,) = landed_objects.list_landed(store, "clickstream")
    assert found.key == HOUR
    assert (found.error or "").startswith(f"{folders.NOT_LISTED}: ")
