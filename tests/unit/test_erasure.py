"""A line without its person is judged as before; a search finds an id wherever a file can be."""

import gzip
import io
import json
import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from ingestion.lake.erased_lines import NO_JSON, Eraser, Forgotten, visitor_hash, visitors
from ingestion.s3 import sdk_client
from ingestion.settings import Settings
from orchestration.erasure import versions
from orchestration.erasure.needles import Needles
from orchestration.erasure.search import search
from orchestration.erasure.versions import VersionsUnknown
from tests.harness.given import load, view
from tests.harness.persons import PERSON, PERSONS, letter, lines, of
from tests.harness.referee import referee

ERASER = Eraser("bot,crawl", "cubot")


def erased(line: bytes, *who: str, topic: str = "clickstream") -> bytes:
    needles = Needles(who)
    return ERASER.erase(
        line, topic, who.__contains__, lambda text: needles.find(text, within_text=True)
    )[0]


def test_an_erased_line_has_the_fields_of_its_schema_without_the_persons() -> None:
    _, line = view("02 10:00", "a", quantity=2, mail="m", **of(PERSON, user_agent="Cubot crawler"))
    left = json.loads(erased(line, PERSON))
    kept = {"event_id", "event_type", "event_ts", "channel", "style_id", "sku_id", "quantity"}
    assert set(left) == kept | {"user_agent", "_topic", "_partition", "_offset", "_timestamp"}
    assert left["user_agent"] == "crawl"
    assert erased(line, "another") == line
    assert erased(erased(line, PERSON), PERSON) == erased(line, PERSON)


def test_every_line_keeps_its_outcome_whatever_is_wrong_with_it() -> None:
    for topic, line in lines():
        left = erased(line, *PERSONS, topic=topic)
        outcomes = [
            (o.loaded, len(o.late), [q.position for q in o.quarantined])
            for o in (referee([load((topic, each))]) for each in (line, left))
        ]
        assert outcomes[0] == outcomes[1], line
        assert not any(who.encode() in left.replace(b"7f3a12", b"") for who in PERSONS), left


@pytest.mark.parametrize(
    ("written", "visitor"),
    [
        ('{"visitor_id" : "a\\"b"}', 'a"b'),
        ('{"visitor_id":"J\\u00fcrgen"}', "Jürgen"),
        ('{"visitor\\u005fid":"v"}', "v"),
        ('{"visitor_id":17,"x":1}', "17"),
        ('{"visitor_id":"cut', "cut"),
        ('{"raw_value":"{\\"visitor_id\\":\\"a\\\\\\\\b\\"}"}', "a\\b"),
    ],
)
def test_a_visitor_is_recognized_however_it_is_written(written: str, visitor: str) -> None:
    assert [who for _, who in visitors(f"x\n{written}\ny".encode())] == [visitor]


def test_a_text_that_is_no_json_goes_where_it_names_a_visitor_at_all() -> None:
    assert erased(f"x\n[by {PERSON}]\n".encode(), PERSON) == f"x\n{NO_JSON}\n".encode()
    found = gzip.decompress(letter().body)
    left = erased(found, PERSON, topic="dead_letters")
    assert PERSON.encode() not in left
    reasons = [json.loads(each)["reason"] for each in left.splitlines()]
    assert reasons == ["VALUE_CONVERTER", 'VALUE_CONVERTER: cannot read {"sku_id": "a"', reasons[0]]


def test_the_registry_knows_a_visitor_by_the_hash_that_duckdb_computes() -> None:
    found = duckdb.execute("select sha256('salt' || 'Jürgen')").fetchone()
    assert found == (visitor_hash("salt", "Jürgen"),)
    assert "Jürgen" in Forgotten("salt", frozenset({found[0]}))


def test_of_ten_thousand_ids_exactly_those_that_stand_alone_are_found() -> None:
    ids = [f"visitor-{number:05d}" for number in range(10_000)] + ["a b/c d e", "ü-name-of-one"]
    needles = Needles(ids)
    text = "visitor-00017 visitor-000170 xvisitor-00018, a%20b%2Fc%20d%20e \\u00fc-name-of-one"
    found = [who for _, who in needles.find(text.encode(), within_text=True)]
    assert sorted(found) == ["a b/c d e", "visitor-00017", "ü-name-of-one"]
    pages = b"\x00xvisitor-00018visitor-00019\x00visitor-000170"
    assert [who for _, who in needles.find(pages, within_text=False)] == [ids[18], ids[19]]
    far = b"-" * ((1 << 21) - 5) + b"visitor-00017"
    assert len(list(needles.find(far, within_text=True))) == 1, "across two pieces"


def in_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(f'{{"x": "{PERSON}"}}\n'.encode()))


def in_a_cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(f'{{"x": "{PERSON}"}}\n'.encode() * 9)[:-9])


def in_a_second_member(path: Path) -> None:
    path.write_bytes(gzip.compress(b"x\n" * 9999) + gzip.compress(f"by {PERSON}\n".encode())[:-9])


def before_a_fault(path: Path) -> None:
    text = f"by {PERSON}\n".encode() + bytes(random.Random(1).choices(range(32, 127), k=40_000))
    packed = bytearray(gzip.compress(text))
    packed[20_000:20_100] = b"\xff" * 100
    path.write_bytes(packed)


def behind_a_fault(path: Path) -> None:
    path.write_bytes(gzip.compress(b"x\n" * 99)[:-12] + gzip.compress(f"by {PERSON}\n".encode()))


def in_values(path: Path) -> None:
    duckdb.sql(f"copy (select unnest(['a', '{PERSON}', 'z']) as t) to '{path}' (format parquet)")


def in_statistics(path: Path) -> None:
    duckdb.sql(f"copy (select '{PERSON}' as t) to '{path}' (format parquet)")


def in_a_free_page(path: Path) -> None:
    with sqlite3.connect(path) as catalog:
        catalog.execute("create table t as select ? || 'x' as a", [PERSON])
    with sqlite3.connect(path) as catalog:
        catalog.execute("pragma secure_delete = off")
        catalog.execute("drop table t")


def in_text(path: Path) -> None:
    path.write_text(f"<p>{PERSON}</p>")


PLANTED: dict[str, Any] = {
    "landing/topics/clickstream/dt=2026-11-02/hour=10/o.json.gz": in_gzip,
    "landing/topics/sku_availability/dt=2026-11-02/hour=10/o.json.gz": in_a_cut_gzip,
    "landing/topics/clickstream/dt=2026-11-02/hour=10/o.json.gz#1": in_gzip,
    "landing/topics/clickstream/dt=2026-11-02/hour=10/o.json.gz.part": in_gzip,
    "landing/topics/clickstream/dt=2026-11-02/hour=10/O.JSON.GZ": in_a_second_member,
    "landing/topics/clickstream/dt=2026-11-02/hour=11/o.json.gz": before_a_fault,
    "landing/topics/clickstream/dt=2026-11-02/hour=12/o.json.gz": behind_a_fault,
    "landing/notes/o.csv": in_text,
    "landing/notes/o.csv#2": in_text,
    "history/fct_twist/view_date=2026-11-02/o.parquet#1": in_values,
    "w/data/marts/fct_twist/o.parquet": in_values,
    "w/data/audit/late_events/o.parquet": in_statistics,
    "w/catalog.sqlite": in_a_free_page,
    "w/catalog.sqlite-wal": in_text,
    "w/tmp/spilled.tmp": in_text,
    "w/.export-1/fct_twist.parquet": in_values,
    "w.replaced/1/catalog.sqlite": in_a_free_page,
    "w.rebuilding/data/o.parquet": in_values,
    "elsewhere/data/o.parquet": in_values,
    "history/fct_twist/view_date=2026-11-02/o.parquet": in_values,
    "history/manifests/2026-11-02.json": in_text,
    "overview/overview.html": in_text,
    "overview/overview.json": in_text,
}


@pytest.mark.parametrize("place", PLANTED)
def test_an_id_that_is_planted_in_any_place_is_found_there_alone(
    place: str, tmp_path: Path
) -> None:
    settings = Settings(
        _env_file=None,
        landing=str(tmp_path / "landing"),
        warehouse=str(tmp_path / "w"),
        warehouse_data=str(tmp_path / "elsewhere"),
        history=str(tmp_path / "history"),
        overview=str(tmp_path / "overview"),
    )
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    PLANTED[place](path)
    assert search(settings, [f"{PERSON}2"]).found == [], "another one"
    found = search(settings, [PERSON])
    assert found.files == 1
    assert [Path(name) for name in found.found] == [path]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("visitor_id", "123"),
        ("raw_line", '{"visitor_id": "123", "channel": "web"}'),
        ("raw_value", '{"raw_value": "{\\"visitor_id\\": \\"123\\"}"}'),
    ],
)
def test_an_id_of_digits_is_found_as_a_visitor_also_in_a_line_that_was_set_aside(
    name: str, content: str, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "w"))
    path = tmp_path / "w" / "o.parquet"
    path.parent.mkdir()
    table = pa.table({name: [content], "offset": ["123"]})
    pq.write_table(table, path)
    assert search(settings, ["123"]).found == [str(path)]
    assert search(settings, ["1234"]).found == []
    pq.write_table(table.select(["offset"]), path)
    assert search(settings, ["123"]).found == [], "elsewhere it occurs by chance"


def test_links_are_followed_once_and_a_folder_that_cannot_be_listed_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "w"))
    for name in ("disk", "w"):
        (tmp_path / name).mkdir()
    in_values(tmp_path / "disk" / "o.parquet")
    in_text(tmp_path / "page.html")
    for name, target in (("data", "disk"), ("again", "w"), ("page.html", "page.html"), ("x", "no")):
        (tmp_path / "w" / name).symlink_to(tmp_path / target)
    found = search(settings, [PERSON])
    assert [Path(name).name for name in found.found] == ["page.html", "o.parquet"]
    assert found.files == 2
    scandir = os.scandir

    def refuses(path: Any) -> Any:
        if Path(path).name == "data":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuses)
    with pytest.raises(PermissionError, match="w/data"):
        search(settings, [PERSON])


def test_a_column_of_visitors_is_compared_as_a_whole(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "w"))
    path = tmp_path / "w" / "o.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"visitor_id": ["shop/victim-0001", "victim-0001 b"]}), path)
    assert search(settings, ["victim-0001"]).found == [], "another's"
    assert search(settings, ["shop/victim-0001"]).found == [str(path)]
    pq.write_table(pa.table({"session_id": ["mary.ann@shop.example:s1"]}), path)
    assert search(settings, ["ann@shop.example"]).found == []
    assert search(settings, ["mary.ann@shop.example"]).found == [str(path)], "a session of theirs"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """What a bucket answers to the next request, one after the other."""
    keys = {"s3_access_key_id": "a", "s3_secret_access_key": "b"}
    client = sdk_client(Settings(_env_file=None, s3_endpoint="http://127.0.0.1:9", **keys))  # type: ignore[arg-type]
    monkeypatch.setattr(versions, "sdk_client", lambda _: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def version(key: str, name: str, *, newest: bool = False) -> dict[str, Any]:
    return {"Key": key, "VersionId": name, "IsLatest": newest}


def test_old_versions_are_listed_page_by_page_and_read(bucket: Stubber) -> None:
    listed = {"Bucket": "lake", "Prefix": "x/", "MaxKeys": versions.AT_ONCE}
    marks = {"NextKeyMarker": "x/a", "NextVersionIdMarker": "1"}
    bucket.add_response(
        "list_object_versions",
        {"Versions": [version("x/a", "2", newest=True), version("x/a", "1")],
         "IsTruncated": True, **marks},
        listed,
    )  # fmt: skip
    body = StreamingBody(io.BytesIO(b"old"), 3)
    bucket.add_response(
        "get_object", {"Body": body}, {"Bucket": "lake", "Key": "x/a", "VersionId": "1"}
    )
    bucket.add_response(
        "list_object_versions",
        {"Versions": [version("x/gone", "1")]},
        listed | {"KeyMarker": "x/a", "VersionIdMarker": "1"},
    )
    bucket.add_client_error("get_object", "NoSuchKey")
    found = list(versions.old_versions(Settings(_env_file=None), "s3://lake/x/"))
    assert [(each.key, each.version, each.data) for each in found] == [("a", "1", b"old")]


def test_a_store_that_knows_no_versions_has_none(bucket: Stubber) -> None:
    bucket.add_client_error("list_object_versions", "NotImplemented", http_status_code=501)
    assert list(versions.old_versions(Settings(_env_file=None), "s3://lake")) == []


def test_versions_that_may_not_be_seen_are_one_sentence_with_the_right(bucket: Stubber) -> None:
    bucket.add_client_error("list_object_versions", "AccessDenied", http_status_code=403)
    with pytest.raises(VersionsUnknown, match=r"s3://lake/x may hold.*s3:ListBucketVersions"):
        list(versions.old_versions(Settings(_env_file=None), "s3://lake/x"))
