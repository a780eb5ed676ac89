"""What becomes of objects and lines: the referee against examples computed by hand."""

import gzip
import json
from datetime import datetime, timedelta

import pytest

from ingestion.contract.strict_json import SCHEMAS
from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import object_key
from tests.harness import referee_lines
from tests.harness.given import (
    CLICKS,
    EPOCH,
    MILLI,
    NOW,
    Line,
    after,
    becomes,
    load,
    packed,
    sku,
    stock,
    view,
    written,
)
from tests.harness.referee import Delivery, Object, Settings, digest, referee


@pytest.mark.parametrize(
    "tail",
    [b"", b',"a":NaN}', b',"a":1,"a":1}', b',"a":[{"b":1,"\\u0062":1}]}', b',"a":"\\u0000"}',
     b',"a":"\x00"}', b',"a":"\\ud800"}', b',"a":"\xff"}', b",}", b"}}", b',"a":01}', b"} x"],
)  # fmt: skip
def test_what_is_not_strict_json_is_quarantined_without_position(tail: bytes) -> None:
    assert becomes((CLICKS, view("01 09:00")[1][:-1] + tail)) == "not_json"


@pytest.mark.parametrize("tail", [b',"a":"\\ud83d\\ude00\\\\u0000"}', b',"a":[1e999,null]} \r'])
def test_what_only_looks_like_broken_json_is_loaded(tail: bytes) -> None:
    assert becomes((CLICKS, view("01 09:00")[1][:-1] + tail)) == "loaded"


def test_json_that_is_no_object_is_quarantined() -> None:
    assert {becomes((CLICKS, raw)) for raw in (b"[]", b"null", b"1", b"", b'"x"')} == {"not_json"}


@pytest.mark.parametrize(
    ("field", "text"),
    [("_topic", '"sku_availability"'), ("_partition", "-1"), ("_offset", "1.0"), ("_offset", '"1"'),
     ("_offset", "1e2"), ("_partition", "true"), ("_timestamp", "null"),
     ("_timestamp", "946684799999"), ("_timestamp", "1795392000001")],
)  # fmt: skip
def test_a_line_without_a_whole_position_is_quarantined(field: str, text: str) -> None:
    assert written(view("01 09:00"), field, text) == "no_position"


def test_a_timestamp_may_be_from_2000_on_and_up_to_a_day_ahead_of_the_clock() -> None:
    millis = (NOW + timedelta(days=1) - EPOCH) // MILLI
    assert written(view("01 09:00"), "_timestamp", str(millis)) == "late"
    early = sku("A", event_ts="1999-12-31T00:00:00Z")
    assert written(early, "_timestamp", "946684800000") == "loaded"
    assert millis == 1795392000000


@pytest.mark.parametrize(
    ("original", "field", "text"),
    [
        *((view("01 09:00"), name, '""') for name in ("event_id", "channel", "style_id")),
        *((view("01 09:00"), name, "5") for name in ("channel", "sku_id", "url", "session_id")),
        (view("01 09:00"), "fulfilment", '"SHIP"'),
        (view("01 09:00"), "store_id", json.dumps("😀" * 129)),
        *((stock("01 09:00", "A", 1), "available_qty", text) for text in
          ('"5"', "5.0", "5e0", "true", "-1000000001", "1000000001", "null", '""', "[5]")),
        *((view("01 09:00"), "quantity", text) for text in ("0", "10001", "1.0", '"1"', "true")),
        *((sku("A"), "size_share", text) for text in ("0", "0.0", "1.00000000000000000001", '"1"')),
        *((sku("A"), "is_active", text) for text in ('"true"', "1", "null")),
        (sku("A"), "brand", json.dumps("x" * 257)),
        *((sku("A"), "event_ts", json.dumps(text)) for text in
          ("2026-11-01T00:00:00", "2026-11-01 00:00:00Z", "2026-11-01T00:00:00+00:00",
           "2026-11-01T00:00:00.1234567Z", "2026-11-01T00:00:00.Z", "2026-11-01T24:00:00Z",
           "2026-11-01T00:00:60Z", "2026-02-29T00:00:00Z", "2026-11-01T00:00:00Z\n")),
    ],
)  # fmt: skip
def test_a_line_that_breaks_its_schema_is_quarantined(
    original: Line, field: str, text: str
) -> None:
    assert written(original, field, text) == "schema"


@pytest.mark.parametrize(
    ("original", "field", "text"),
    [
        *((view("01 09:00"), "sku_id", text) for text in ('""', "null")),
        *((view("01 09:00"), "fulfilment", text) for text in ('""', "null", '"pickup"')),
        (view("01 09:00"), "store_id", json.dumps("😀" * 128)),
        *((view("01 09:00"), "quantity", text) for text in ("1", "10000", "null", '""')),
        (view("01 09:00"), "url", json.dumps("x" * 5000)),
        (view("01 09:00"), "available_qty", '"of another topic"'),
        (view("01 09:00", event_type="search"), "style_id", "null"),
        *((stock("01 09:00", "A", 1), "available_qty", text) for text in
          ("0", "-1000000000", "1000000000")),
        *((sku("A"), "size_share", text) for text in ('""', "1.0", "10e-1", "1e-400")),
        *((sku("A"), "price", text) for text in ("-1", "1e400", "null", "0.00")),
        *((sku("A"), "event_ts", f'"2026-11-01T00:00:00.{digits}Z"') for digits in ("0", "000000")),
    ],
)  # fmt: skip
def test_a_line_that_keeps_its_schema_is_loaded(original: Line, field: str, text: str) -> None:
    assert written(original, field, text) == "loaded"


def test_the_fields_are_those_of_the_schemas() -> None:
    for topic in TOPICS:
        schema = json.loads((SCHEMAS / f"{topic}.json").read_text())
        assert list(referee_lines.FIELDS[topic]) == list(schema["properties"])
        assert list(referee_lines.REQUIRED[topic]) == schema["required"]


def test_an_event_may_be_ten_minutes_after_its_arrival_and_no_more() -> None:
    assert becomes(view("01 09:10", arrival="01 09:00")) == "loaded"
    assert becomes(view("01 09:10:00.000001", arrival="01 09:00")) == "future"
    assert becomes(sku("A", "01 09:11", arrival="01 09:00")) == "future"


def test_an_event_is_late_by_the_day_of_its_arrival() -> None:
    assert becomes(view("01 00:00", arrival="04 23:59:59.999")) == "loaded"
    assert becomes(view("01 23:59", arrival="05 00:00")) == "late"
    nothing = Settings(late_days=0)
    assert becomes(stock("01 23:59", "A", 1, arrival="02 00:00"), nothing) == "late"
    assert becomes(sku("A", "01 00:00", arrival="20 00:00"), nothing) == "loaded"


def test_a_position_seen_before_is_a_duplicate_whatever_became_of_it() -> None:
    views = [view("01 09:00"), view("01 09:00", arrival="09 00:00"), view("01 09:00", channel=5)]
    lines = [*views, sku("A")]
    outcome = referee([load(*lines), load(*reversed(lines))])
    assert [(o.loaded, o.late, o.quarantined, o.duplicates) for o in outcome.objects.values()] == [
        (1, 1, 1, 0), (1, 0, 0, 0), (0, 0, 0, 3), (0, 0, 0, 1),
    ]  # fmt: skip


def test_a_line_without_position_is_quarantined_each_time_it_lands() -> None:
    outcome = referee([load((CLICKS, b"{")), load((CLICKS, b"{"), (CLICKS, b"{"))])
    assert (len(outcome.quarantined), len(outcome.quarantined_distinct)) == (3, 1)


def test_a_copy_of_an_event_is_a_duplicate_but_not_on_another_day_or_topic() -> None:
    views = [view(at, event_id="e") for at in ("01 09:00", "01 09:00", "02 09:00")]
    outcome = after(*views, stock("01 09:00", "A", 1, event_id="e"))
    assert (outcome.loaded, len(outcome.marts["fct_twist"])) == (3, 2)


def test_an_object_that_cannot_be_read_is_unreadable_and_blocks_no_other() -> None:
    good = packed(view("01 09:00")[1])
    bodies = [b"", good[:-1], good[:15], b"plain\n", good + b"tail", good]
    opened = datetime(2026, 11, 1)
    keys = [object_key(CLICKS, opened, 0, number) for number in range(len(bodies))]
    outcome = referee([list(map(Delivery, keys, bodies))])
    states = [outcome.objects[key, digest(body)] for key, body in zip(keys, bodies, strict=True)]
    assert states == [Object("unreadable")] * 5 + [Object("loaded", 1, 1)]


def test_gzip_may_have_members_and_a_last_line_without_newline_and_a_blank_line_is_one() -> None:
    first, second = view("01 09:00")[1], view("01 09:01")[1]
    body = gzip.compress(first[:20]) + gzip.compress(first[20:] + b"\n\n" + second)
    outcome = referee([[Delivery(object_key(CLICKS, NOW, 0, 0), body)]])
    assert list(outcome.objects.values()) == [Object("loaded", 3, 2, quarantined=1)]


def test_a_rewritten_key_brings_only_its_new_lines() -> None:
    key, lines = object_key(CLICKS, NOW, 0, 0), [view("01 09:00")[1], view("01 09:01")[1]]
    loads = [[Delivery(key, packed(*lines[:n]))] for n in (1, 2, 2)]
    outcome = referee(loads)
    assert list(outcome.objects.values()) == [Object("loaded", 1, 1), Object("loaded", 2, 1, 1)]


def test_within_a_load_objects_are_read_by_folder_hour_then_key() -> None:
    raw = packed(view("01 09:00")[1])
    keys = [object_key(CLICKS, datetime(2026, 11, 1, 10), 0, 0),
            object_key(CLICKS, datetime(2026, 11, 1, 9), 1, 0)]  # fmt: skip
    outcome = referee([[Delivery(key, raw) for key in keys]])
    assert [outcome.objects[key, digest(raw)].loaded for key in keys] == [0, 1]
