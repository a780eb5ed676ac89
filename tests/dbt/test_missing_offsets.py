"""Offsets that never landed are listed, and copies of an event that differ are kept."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake.object_keys import object_key
from ingestion.settings import SettingsError
from orchestration.warehouse import rebuild as rebuilding
from orchestration.warehouse.accept import accept
from orchestration.warehouse.load import load as load_all
from orchestration.warehouse.load_report import LoadReport
from tests.harness.given import CLICKS, STOCK, line, load, packed, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery

OPENED = datetime(2026, 11, 2, 10)
HASHES = (4631002111317088258, 6066940430918450655)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path / "shop")
    yield pipeline
    pipeline.close()


def load_only(shop: Pipeline) -> LoadReport:
    return load_all(shop.settings, shop.dbt, lambda _: None, compute=False)


def clicks(*offsets: int, at: str = "02 10:00", partition: int = 0, name: int = 0) -> Delivery:
    """An object of views at these offsets."""
    lines = [view(at, "a", partition=partition, offset=each)[1] for each in offsets]
    return Delivery(object_key(CLICKS, OPENED, partition, name or offsets[0]), packed(*lines))


def missing(
    shop: Pipeline, columns: str = "kafka_partition, first_offset, last_offset"
) -> list[tuple[Any, ...]]:
    return shop.query(f"select {columns} from twist.audit.missing_offsets order by all")


def test_a_gap_between_objects_is_listed_with_the_objects_beside_it_until_it_lands(
    shop: Pipeline,
) -> None:
    first, gap, last = clicks(1, 2, 3), clicks(4, 5, 6), clicks(7, 8)
    shop.deliver([first, last])
    load_only(shop)
    more = "topic, kafka_partition, first_offset, last_offset, offsets, before_object, after_object"
    assert missing(shop, more) == [(CLICKS, 0, 4, 6, 3, first.key, last.key)]
    shop.deliver([gap])
    load_only(shop)
    assert missing(shop) == []


def test_a_gap_inside_an_object_is_listed(shop: Pipeline) -> None:
    shop.deliver([clicks(1, 2, 5, 6, 9)])
    load_only(shop)
    assert missing(shop) == [(0, 3, 4), (0, 7, 8)]


def test_a_line_without_a_readable_position_is_not_missing_but_a_further_gap_is(
    shop: Pipeline,
) -> None:
    def broken(*offsets: int) -> Delivery:
        lines = [view("02 10:00", "a", offset=each)[1] for each in offsets]
        body = packed(*lines[:1], b"no JSON", *lines[1:])
        return Delivery(object_key(CLICKS, OPENED, 0, offsets[0]), body)

    shop.deliver([broken(1, 3), broken(4, 6, 8)])
    load_only(shop)
    assert missing(shop) == [(0, 5, 5), (0, 7, 7)]


def test_what_comes_before_the_lowest_and_after_the_highest_offset_is_not_missing(
    shop: Pipeline,
) -> None:
    shop.deliver([clicks(100, 101), clicks(7, 8, partition=1)])
    load_only(shop)
    assert missing(shop) == []


def test_a_dead_letter_is_not_missing_before_or_after_the_lines_around_it(shop: Pipeline) -> None:
    letter = {
        "origin_topic": CLICKS, "origin_partition": 0, "reason": "no JSON", "raw_value": "x",
        "event_ts": "2026-11-02T10:00:00Z",
    }  # fmt: skip
    letters = [
        line(DEAD_LETTERS, {**letter, "origin_offset": offset}, "02 10:00", 0, offset)[1]
        for offset in (3, 50)
    ]
    shop.deliver([Delivery(object_key(DEAD_LETTERS, OPENED, 0, 1), packed(*letters)), clicks(1, 2)])
    load_only(shop)
    assert missing(shop) == []
    shop.deliver([clicks(4, 5)])
    load_only(shop)
    assert missing(shop) == []


@pytest.mark.ci
def test_another_record_at_the_position_of_a_dead_letter_is_one_too(shop: Pipeline) -> None:
    def letter(value: str, offset: int) -> Delivery:
        fields = {
            "origin_topic": CLICKS, "origin_partition": 0, "origin_offset": 7, "reason": "no JSON",
            "raw_value": value, "event_ts": "2026-11-02T10:00:00Z",
        }  # fmt: skip
        body = packed(line(DEAD_LETTERS, fields, "02 10:00", 0, offset)[1])
        return Delivery(object_key(DEAD_LETTERS, OPENED, 0, offset), body)

    shop.deliver([letter("of the old topic", 1)])
    load_only(shop)
    shop.deliver([letter("of the topic made anew", 2), letter("of the old topic", 3)])
    assert load_only(shop).duplicates == 1
    assert shop.query("select raw_line from twist.audit.dead_letters order by letter_offset") == [
        ("of the old topic",),
        ("of the topic made anew",),
    ]


def test_the_highest_offsets_that_kafka_knows_stop_nothing(shop: Pipeline) -> None:
    highest = 2**63 - 1

    def both(*partitions: int) -> Delivery:
        lines = [
            view("02 10:00", "a", partition=partition, offset=offset)[1]
            for partition in partitions
            for offset in (3, highest)
        ]
        lowest = [each.replace(b'"_offset": 3,', b'"_offset": 0,') for each in lines]
        return Delivery(object_key(CLICKS, OPENED, partitions[0], 0), packed(*lowest))

    shop.deliver([both(1, 2), both(3)])
    assert load_only(shop).loaded == 6
    assert missing(shop) == [(each, 1, highest - 1) for each in (1, 2, 3)]
    assert accept(shop.settings, shop.dbt, f"{CLICKS}/1/1-{highest - 1}", "a test") == 1
    shop.deliver([clicks(5, name=5), clicks(7, name=7)])
    load_only(shop)
    assert missing(shop)[0] == (0, 6, 6)


@pytest.mark.ci
def test_a_lost_offset_beside_a_line_without_position_is_listed_also_after_a_rewrite(
    shop: Pipeline,
) -> None:
    def at(*offsets: int) -> list[bytes]:
        return [view("02 10:00", "a", offset=each)[1] for each in offsets]

    key = object_key(CLICKS, OPENED, 0, 0)
    zero, two, four = at(10, 12, 14)
    for lines in ([zero, b"no JSON", two], [zero, b"no JSON", two, four]):
        shop.deliver([Delivery(key, packed(*lines))])
        load_only(shop)
    assert missing(shop) == [(0, 11, 11), (0, 13, 13)], "two are gone, one line is without position"


@pytest.mark.ci
def test_redelivered_lines_of_an_older_era_make_no_gap_in_the_newest(shop: Pipeline) -> None:
    old = [view("02 10:00", "a", offset=each)[1] for each in range(1, 40)]
    shop.deliver([Delivery(object_key(CLICKS, OPENED, 0, 1), packed(*old))])
    load_only(shop)
    shop.deliver([clicks(1, 2, 3, at="02 12:00", name=101)])
    assert load_only(shop).started_again == (CLICKS,)
    shop.deliver([Delivery(object_key(CLICKS, OPENED, 0, 900), packed(*old[20:30]))])
    assert load_only(shop).duplicates == 10
    assert missing(shop) == []
    shop.deliver([clicks(*range(4, 30), at="02 13:00", name=104)])
    assert load_only(shop).started_again == ()


@pytest.mark.ci
def test_offsets_that_start_again_are_said_and_their_gaps_found(shop: Pipeline) -> None:
    shop.deliver([clicks(*range(1, 40))])
    assert load_only(shop).started_again == ()
    again = [clicks(1, 2, 3, at="02 12:00", name=101), clicks(7, 8, at="02 12:05", name=107)]
    shop.deliver(again)
    assert load_only(shop).started_again == (CLICKS,)
    assert missing(shop) == [(0, 4, 6)]
    shop.deliver([clicks(9, 10, at="02 12:07", name=109)])
    assert load_only(shop).started_again == ()
    shop.deliver([clicks(4, 5, 6, at="02 12:03", name=104)])
    assert load_only(shop).started_again == ()
    assert missing(shop) == []


def test_offsets_that_start_again_twice_in_one_batch_are_told_apart(shop: Pipeline) -> None:
    shop.deliver(
        [
            clicks(*range(1, 30)),
            clicks(1, 2, at="02 12:00", name=101),
            clicks(1, 2, 3, at="02 13:00", name=201),
            clicks(6, at="02 13:05", name=206),
        ]
    )
    load_only(shop)
    assert missing(shop) == [(0, 4, 5)]
    assert shop.query("select max(era) from twist.audit.landed_offsets") == [(3,)]


@pytest.mark.ci
def test_a_range_that_was_accepted_stays_listed_with_the_reason_and_through_a_rebuild(
    shop: Pipeline,
) -> None:
    shop.deliver([clicks(1, 2), clicks(5, 6), clicks(9)])
    load_all(shop.settings, shop.dbt, lambda _: None)
    assert accept(shop.settings, shop.dbt, f"{CLICKS}/0/3-4", "retention") == 1
    whys = "first_offset, accepted_why"
    assert missing(shop, whys) == [(3, "retention"), (7, None)]
    for closed_or_whole in (f"{CLICKS}/0/3-4", f"{CLICKS}/0/100-900"):
        with pytest.raises(SettingsError, match=f"no missing offsets lie within {closed_or_whole}"):
            accept(shop.settings, shop.dbt, closed_or_whole, "again")
    assert shop.query("select count(*) from twist.audit.accepted_offsets") == [(1,)]
    shop.dbt.close()
    rebuilding.rebuild(shop.settings, lambda _: None)
    assert missing(shop, whys) == [(3, "retention"), (7, None)]


@pytest.mark.ci
def test_offsets_that_were_accepted_are_missing_again_after_the_topic_was_made_anew(
    shop: Pipeline,
) -> None:
    key = f"{CLICKS}/0/3-4"
    shop.deliver([clicks(1, 2), clicks(5, 6)])
    load_all(shop.settings, shop.dbt, lambda _: None)
    assert accept(shop.settings, shop.dbt, key, "retention") == 1
    shop.deliver([clicks(1, 2, at="02 12:00", name=101), clicks(5, at="02 12:05", name=105)])
    load_all(shop.settings, shop.dbt, lambda _: None)
    of_eras = "era, first_offset, accepted_why"
    assert missing(shop, of_eras) == [(1, 3, "retention"), (2, 3, None)]
    assert accept(shop.settings, shop.dbt, key, "overwritten") == 1
    assert missing(shop, of_eras) == [(1, 3, "retention"), (2, 3, "overwritten")]


def expected(landed: set[int]) -> list[tuple[int, int]]:
    """The runs of offsets that are missing between the lowest and the highest."""
    gone = sorted(set(range(min(landed), max(landed) + 1)) - landed)
    runs = [list(run) for _, run in groupby(enumerate(gone), lambda pair: pair[1] - pair[0])]
    return [(run[0][1], run[-1][1]) for run in runs]


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(3))
def test_random_deliveries_leave_the_gaps_that_a_set_of_offsets_has(
    shop: Pipeline, seed: int
) -> None:
    rng = Random(seed)
    lines = {offset: view("02 10:00", "a", offset=offset)[1] for offset in range(1, 80)}
    landed: set[int] = set()
    for step in range(6):
        for place in range(rng.randrange(4)):
            first = rng.randrange(1, 70)
            own = [n for n in range(first, first + rng.randrange(1, 12)) if rng.random() < 0.9]
            rng.shuffle(own)
            own += own[: rng.choice([0, 0, 1])]
            body = packed(*(lines[n] for n in own if n in lines))
            shop.deliver([Delivery(object_key(CLICKS, OPENED, 0, 1000 * step + place), body)])
            landed |= set(own) & set(lines)
        load_only(shop)
        if landed:
            assert [(first, last) for _, first, last in missing(shop)] == expected(landed)
    assert shop.query("select count(*) from twist.audit.landed_offsets where era > 1") == [(0,)]


@pytest.mark.ci
def test_copies_that_differ_are_kept_once_with_their_text_and_the_first_one_counts(
    shop: Pipeline,
) -> None:
    counted = stock("02 10:00", "a", 5, event_id="e", offset=1)
    other_sku = stock("02 10:00", "b", 5, event_id="e", offset=2)
    other_moment = stock("02 11:00", "a", 7, event_id="e", offset=3)
    equal = stock("02 10:00", "a", 5, event_id="e", offset=4)
    for step in (load(counted), load(other_sku, equal), load(other_moment), load(other_sku)):
        shop.deliver(step)
        load_only(shop)
    staged = "select sku_id, available_qty from twist.staging.stg_availability__stock_changes"
    assert shop.query(staged) == [("a", 5)]
    why = "differs from the copy that counts in: "
    columns = "topic, kafka_offset, event_id, reason, raw_line"
    conflicts = f"select {columns} from twist.audit.conflicting_copies order by kafka_offset"
    assert shop.query(conflicts) == [
        (STOCK, 2, "e", why + "sku_id", other_sku[1].decode()),
        (STOCK, 3, "e", why + "event_ts", other_moment[1].decode()),
    ]


def test_the_hash_of_event_ids_is_the_one_that_warehouses_hold() -> None:
    """If another version of DuckDB changes it, raise `layout` and LAYOUT: it takes a rebuild."""
    ids = "cast(hash('event') >> 1 as bigint), cast(hash('a longer event id, 0001') >> 1 as bigint)"
    assert duckdb.execute(f"select {ids}").fetchall() == [HASHES]


def test_copies_within_one_batch_are_compared_too(shop: Pipeline) -> None:
    views = [
        view("02 10:00", "a", event_id="v", offset=offset, visitor_id=visitor)
        for offset, visitor in ((1, "x"), (2, "y"), (3, "x"))
    ]
    shop.deliver(load(*views))
    assert load_only(shop).duplicates == 2
    assert shop.query("select kafka_offset, raw_line from twist.audit.conflicting_copies") == [
        (2, views[1][1].decode())
    ]


@pytest.mark.ci
@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ([clicks(1), clicks(3)], "no_offset_is_missing"),
        ([clicks(1), clicks(1, at="02 12:00", name=201)], "no_offsets_start_again"),
        (
            load(stock("02 10:00", "a", 5, event_id="e"), stock("02 10:00", "a", 6, event_id="e")),
            "copies_of_an_event_are_equal",
        ),
    ],
)
def test_a_check_warns_of_them(shop: Pipeline, bad: list[Delivery], name: str) -> None:
    shop.deliver(load(stock("02 09:00", "a", 5, offset=1)))
    load_only(shop)
    assert warned(shop, name) is False
    shop.deliver(bad)
    load_only(shop)
    assert warned(shop, name) is True


def warned(shop: Pipeline, name: str) -> bool:
    results = shop.dbt.run("test", "--select", name)
    (status,) = [each.status for each in results if each.node.name == name]
    return str(status) == "warn"
