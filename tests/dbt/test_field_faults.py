"""What the field has done to loaders: each fault concerns itself alone, and is named."""

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

from ingestion.lake import line_stream, object_text
from ingestion.lake.object_keys import object_key
from orchestration.warehouse.load import load as load_all
from orchestration.warehouse.load_report import LoadReport
from tests.harness.given import CATALOG, CLICKS, load, packed, sku, stock, view
from tests.harness.pipeline import Pipeline, differences
from tests.harness.referee import Delivery, referee

OPENED = datetime(2026, 11, 2, 12, tzinfo=UTC)
Step = list[Delivery]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path / "shop", slack_hours=2)
    yield pipeline
    pipeline.close()


def staged(shop: Pipeline, topic: str = "clickstream__events") -> int:
    ((count,),) = shop.query(f"select count(*) from twist.staging.stg_{topic}")
    return int(count)


def load_only(shop: Pipeline) -> LoadReport:
    return load_all(shop.settings, shop.dbt, lambda _: None, compute=False)


def file(shop: Pipeline, name: str, body: bytes = b"", hour: datetime = OPENED) -> Path:
    """A file beside good ones, of any name."""
    folder = shop.root / "landing" / Path(object_key(CLICKS, hour, 0, 0)).parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(body)
    return path


def test_a_topic_made_anew_loads_its_events_though_their_offsets_were_there(shop: Pipeline) -> None:
    before: Step = load(
        sku("a", offset=1), stock("02 08:00", "a", 3, offset=1), view("02 10:00", "a", offset=1)
    )
    anew: Step = load(
        sku("a", "02 11:00", offset=1),
        stock("02 11:00", "a", 0, offset=1),
        view("02 12:00", "a", offset=1),
        view("02 12:01", "a", offset=2),
    )
    steps = [before, anew, before, anew]
    for step in steps[:2]:
        shop.deliver(step)
        report = shop.load()
        assert (report.loaded, report.duplicates) == (sum(map(lines, step)), 0)
    assert differences(shop, referee(steps[:2])) == []


def lines(delivery: Delivery) -> int:
    return gzip.decompress(delivery.body).count(b"\n")


def test_a_line_that_lands_again_after_its_topic_was_made_anew_is_a_duplicate(
    shop: Pipeline,
) -> None:
    old, new = view("02 10:00", "a", offset=1), view("02 12:00", "a", offset=1)
    for step in (load(old), load(new), load(old, new)):
        shop.deliver(step)
        report = load_only(shop)
    assert (report.loaded, report.duplicates) == (0, 2)


def test_folders_that_were_never_listed_are_listed_from_the_first_day(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first load of a UTC day sweeps the days that late events can reach, and no fewer."""
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    body = packed(view("02 10:00", offset=1)[1])
    shop.deliver([Delivery(object_key(CLICKS, today, 0, 1), body)])
    assert load_only(shop).loaded == 1
    shop.deliver(
        [Delivery(object_key(CATALOG, today - timedelta(days=30), 0, 1), packed(sku("a")[1]))]
    )
    monkeypatch.setenv("TWIST_SWEEP", "1")
    shop.dbt._compiled.clear()  # as in a new process
    assert load_only(shop).loaded == 1


def test_a_sweep_of_all_finds_what_was_put_back_into_an_old_folder(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver(
        [Delivery(object_key(CLICKS, OPENED, 0, 2), packed(view("02 12:00", offset=2)[1]))]
    )
    assert load_only(shop).loaded == 1
    old = object_key(CLICKS, OPENED - timedelta(days=300), 0, 1)
    shop.deliver([Delivery(old, packed(view("02 10:00", offset=1)[1]))])
    for sweep, found in (("", 0), ("1", 0), ("all", 1)):
        monkeypatch.setenv("TWIST_SWEEP", sweep)
        shop.dbt._compiled.clear()  # as in a new process
        assert load_only(shop).loaded == found


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "0e-99999999999999999999", "1e-9999999", "9" * 5000]
)
def test_a_number_of_any_size_stops_nothing(shop: Pipeline, number: str) -> None:
    odd = sku("odd", price=-7, size_share=-8)[1]
    odd = odd.replace(b"-7", number.encode()).replace(b"-8", number.encode())
    key = object_key(CATALOG, OPENED, 0, 1)
    shop.deliver([Delivery(key, packed(odd, sku("a")[1])), *load(view("02 10:00"))])
    report = load_only(shop)
    assert (report.lines, report.loaded + report.quarantined, staged(shop)) == (3, 3, 1)
    assert staged(shop, "catalog__skus") >= 1


def test_bombs_are_unreadable_and_the_others_load(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_text, "MAX_LINES", 100_000)
    bombs = {
        "lines": gzip.compress(b"\n" * 3_000_000),
        "line": gzip.compress(b"x" * 30_000_000),
        "blanks": gzip.compress(b" " * 30_000_000),
    }
    deliveries = [
        Delivery(object_key(CLICKS, OPENED, 1, n), body) for n, body in enumerate(bombs.values())
    ]
    shop.deliver([*deliveries, *load(view("02 10:00"))])
    report = load_only(shop)
    assert sorted(reason for _, reason in report.unreadable) == [
        "a line is longer than 8,388,608 bytes",
        "a line is longer than 8,388,608 bytes",
        "more than 100,000 lines",
    ]
    assert staged(shop) == 1


@pytest.mark.ci
@pytest.mark.parametrize("earlier", [0, 1], ids=["new", "with one to read again"])
def test_objects_that_the_reader_has_no_room_for_are_loaded_in_the_next_batches(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, earlier: int
) -> None:
    monkeypatch.setattr(line_stream, "BATCH_LINES", 1000)
    for n in range(earlier):
        shop.deliver([Delivery(object_key(CLICKS, OPENED, 2, n), b"no gzip")])
        assert len(load_only(shop).unreadable) == 1
    full = gzip.compress(b"\n" * 600)
    shop.deliver([Delivery(object_key(CLICKS, OPENED, 1, n), full) for n in range(5)])
    last = Delivery(object_key(CLICKS, OPENED, 3, 1), packed(view("02 10:00")[1]))
    shop.deliver([last, *load(stock("02 09:00", "a", 1))])
    report = load_only(shop)
    assert (report.loaded, report.quarantined) == (2, 3000)
    assert load_only(shop).objects == 0


def test_a_line_with_a_hundred_thousand_keys_or_brackets_is_one_line(shop: Pipeline) -> None:
    keys = b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b',"k5":1}'
    deep = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    good = view("02 10:00")[1]
    invalid = [b'{"a":"\xff"}'] * 20_000
    key = object_key(CLICKS, OPENED, 1, 1)
    shop.deliver([Delivery(key, packed(keys, good, deep, *invalid))])
    report = load_only(shop)
    assert (report.loaded, report.quarantined, report.unreadable) == (1, 20_002, ())


def test_names_that_cannot_be_keys_are_passed_over_and_said(shop: Pipeline) -> None:
    shop.deliver(load(view("02 10:00")))
    whole = packed(view("02 11:00")[1])
    assert file(shop, "good.json.gz", whole)
    os.mkfifo(file(shop, "x").with_name("pipe.json.gz"))
    file(shop, "control\x01.json.gz", whole)
    file(shop, "line\nfeed.json.gz", whole)
    file(shop, os.fsdecode(b"not-utf8-\xff.json.gz"), whole)
    folder = file(shop, "y").parent
    (folder / "link.json.gz").symlink_to("/etc/hostname")
    (folder / "loop").symlink_to(folder / "loop")
    (folder.parent / "hour=13").symlink_to(folder)
    report = load_only(shop)
    assert (report.loaded, report.unreadable) == (2, ())
    assert [Path(key).name for key, _ in report.not_listed] == [
        "control\\x01.json.gz", "line\\nfeed.json.gz", "link.json.gz", "loop",
        "not-utf8-\\xff.json.gz", "pipe.json.gz", "hour=13",
    ]  # fmt: skip


def test_a_folder_of_the_year_1_fails_no_later_load(shop: Pipeline) -> None:
    ancient = object_key(CLICKS, OPENED, 0, 1).replace("dt=2026-11-02", "dt=0001-01-01")
    first = Delivery(ancient, packed(view("02 10:00", offset=1)[1]))
    shop.deliver([first])
    assert load_only(shop).loaded == 1
    shop.deliver(
        [Delivery(object_key(CLICKS, OPENED, 0, 2), packed(view("02 10:01", offset=2)[1]))]
    )
    assert load_only(shop).loaded == 1


def test_an_oversold_sku_is_kept_as_sent_and_counts_as_out_of_stock(shop: Pipeline) -> None:
    step = load(
        sku("a"), sku("b"), stock("02 08:00", "a", -3), stock("02 08:00", "a", 1, "store"),
        stock("02 08:00", "b", -1), view("02 10:00", "a"), view("02 10:00", "b"),
    )  # fmt: skip
    shop.deliver(step)
    assert shop.load().quarantined == 0
    assert differences(shop, referee([step])) == []
    levels = "select available_qty from twist.staging.stg_availability__stock_changes order by 1"
    assert shop.query(levels) == [(-3,), (-1,), (1,)]
    quantities = "select network_qty from twist.marts.fct_twist order by sku_id"
    assert shop.query(quantities) == [(1,), (0,)]


def test_a_make_of_phones_is_no_bot(shop: Pipeline) -> None:
    agents = ("Mozilla/5.0 (Linux; CUBOT X9)", "cubot spider", "Googlebot/2.1")
    step = load(*(view("02 10:00", user_agent=agent) for agent in agents))
    shop.deliver(step)
    shop.load()
    assert shop.query("select count(*) from twist.marts.fct_twist") == [(1,)]


@pytest.mark.ci
def test_a_wiped_lake_ends_a_load_whose_unreadable_objects_fill_a_batch(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path / "shop", batch_mb=1)
    body = random.Random(1).randbytes(1_100_000)
    keys = [object_key(CLICKS, OPENED, 0, n) for n in (1, 2)]
    pipeline.deliver([Delivery(key, body) for key in keys])
    assert len(load_only(pipeline).unreadable) == 2
    shutil.rmtree(pipeline.root / "landing" / "topics")
    assert load_only(pipeline).objects <= 2
    pipeline.close()


@pytest.mark.ci
def test_a_line_from_1970_makes_no_load_read_all_days(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver(load(view("02 10:00")))
    load_only(shop)
    early = view("02 10:00", arrival="02 11:00")[1].replace(b"2026-11-02T10", b"1970-01-01T10")
    shop.deliver([Delivery(object_key(CLICKS, OPENED, 1, 1), packed(early, view("02 12:00")[1]))])
    sent = list[str]()
    execute: Any = DuckDBCursorWrapper.execute

    def listened(self: Any, sql: str, bindings: Any = None) -> Any:
        sent.append(sql)
        return execute(self, sql, bindings)

    monkeypatch.setattr(DuckDBCursorWrapper, "execute", listened)
    report = load_only(shop)
    assert (report.loaded, report.late) == (1, 1)
    assert [sql for sql in sent if "event_date >= date '2026-11-02'" in sql]
    assert not [sql for sql in sent if "date '1970-01-01'" in sql]
