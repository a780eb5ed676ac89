"""An object that cannot be read blocks no other, and is offered until it loads or is closed."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.lake import line_stream, object_text
from ingestion.lake.object_keys import object_key
from orchestration.cli import main
from orchestration.warehouse.accept import accept
from orchestration.warehouse.dbt_runner import DbtFailed, environment
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from tests.harness.given import packed, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery

OPENED = datetime(2026, 11, 2, 10, tzinfo=UTC)
GOOD = packed(view("02 10:00", offset=1)[1], view("02 10:01", offset=2)[1])
GOOD_TOO = packed(view("02 10:00", offset=3)[1])
TOPIC = "clickstream"
BAD = {
    "truncated": (GOOD[:-9], "cut: the gzip stream ends early"),
    "cut to its first byte": (GOOD[:1], "cut: "),
    "empty": (b"", "empty: 0 bytes"),
    "plain text": (gzip.decompress(GOOD), "not gzip: "),
    "damaged": (GOOD[:30] + bytes([GOOD[30] ^ 0x55]) + GOOD[31:], ""),
    "wrong checksum": (GOOD[:-5] + bytes([GOOD[-5] ^ 1]) + GOOD[-4:], "damaged gzip: "),
    "a bomb": (gzip.compress(b"0" * 2_000_000), "too large: inflates to more than 1,000,000"),
    "cut in its second member": (GOOD + GOOD[:-1], "cut: "),
}


def key_of(number: int, topic: str = TOPIC, opened: datetime = OPENED) -> str:
    return object_key(topic, opened, 1, number)


def audit(pipeline: Pipeline) -> dict[tuple[str, str], tuple[str, str | None, int]]:
    """Key and etag → status, error and loaded lines."""
    rows = pipeline.query(
        "select object_key, etag, status, read_error, loaded from twist.audit.landed_objects"
    )
    return {row[:2]: row[2:] for row in rows}


def load_only(pipeline: Pipeline) -> LoadReport:
    """Load and stage; the tables computed from that are not asked here."""
    return load(pipeline.settings, pipeline.dbt, lambda _: None, compute=False)


def states(pipeline: Pipeline, key: str) -> list[str]:
    return sorted(row[0] for (found, _), row in audit(pipeline).items() if found == key)


def staged(pipeline: Pipeline) -> list[int]:
    rows = pipeline.query(
        "select kafka_offset from twist.staging.stg_clickstream__events order by kafka_offset"
    )
    return [offset for (offset,) in rows]


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path / "p", slack_hours=2)
    yield pipeline
    pipeline.close()


def test_each_is_named_with_its_reason_blocks_no_other_and_loads_when_it_is_repaired(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_text, "MAX_TEXT_BYTES", 1_000_000)
    keys = {name: key_of(number) for number, name in enumerate(BAD)}
    whole = packed(view("02 11:00", offset=100)[1]) + packed(view("02 11:01", offset=101)[1])
    pipeline.deliver([Delivery(keys[name], body) for name, (body, _) in BAD.items()])
    pipeline.deliver([Delivery(key_of(99), whole)])
    report = load_only(pipeline)

    assert (report.objects, report.loaded) == (1, 2)
    assert staged(pipeline) == [100, 101]
    errors = dict(report.unreadable)
    assert errors.keys() == set(keys.values())
    for name, (_, reason) in BAD.items():
        assert errors[keys[name]].startswith(reason)
    assert all(states(pipeline, key) == ["unreadable"] for key in keys.values())
    with pytest.raises(DbtFailed, match="no_object_is_unreadable"):
        pipeline.dbt.run("test", "--select", "no_object_is_unreadable")

    first, *others = BAD
    pipeline.deliver([Delivery(keys[first], GOOD)])
    report = load_only(pipeline)
    assert report.loaded == 2
    assert staged(pipeline) == [1, 2, 100, 101]
    assert states(pipeline, keys[first]) == ["loaded", "superseded"]
    assert dict(report.unreadable).keys() == {keys[name] for name in others}

    for name in others:
        assert accept(pipeline.settings, pipeline.dbt, keys[name], "the sink was killed") == 1
    assert load_only(pipeline).unreadable == ()
    assert all(states(pipeline, keys[name]) == ["accepted"] for name in others)
    pipeline.dbt.run("test", "--select", "no_object_is_unreadable")
    ((why,),) = set(
        pipeline.query(
            "select accepted_why from twist.audit.landed_objects where status = 'accepted'"
        )
    )
    assert why == "the sink was killed"

    pipeline.deliver([Delivery(keys["empty"], packed(view("02 12:00", offset=200)[1]))])
    assert load_only(pipeline).loaded == 1, "an accepted object that is landed anew is read"


def test_an_object_that_vanishes_between_listing_and_reading_is_offered_until_it_is_back(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.deliver([Delivery(key_of(1), GOOD), Delivery(key_of(2), GOOD_TOO)])
    path = pipeline.root / "landing" / key_of(1)
    fetch = object_text.fetch

    def delete_and_fetch(store: object, key: str) -> object_text.Body:
        if key == key_of(1):
            path.unlink()
        return fetch(store, key)  # type: ignore[arg-type]  # the store of lake

    with monkeypatch.context() as patch:
        patch.setattr(line_stream, "fetch", delete_and_fetch)
        report = load_only(pipeline)
    vanished = (key_of(1), "vanished: it was listed, but is not there any more")
    assert report.unreadable == (vanished,)
    assert (report.objects, staged(pipeline)) == (1, [3])
    assert load_only(pipeline).unreadable == (vanished,)
    assert states(pipeline, key_of(1)) == ["unreadable"]

    pipeline.deliver([Delivery(key_of(1), GOOD)])
    report = load_only(pipeline)
    assert (report.loaded, report.unreadable) == (2, ())
    assert staged(pipeline) == [1, 2, 3]


def test_an_object_with_two_unreadable_versions_in_an_old_folder_loads_each_line_once(
    pipeline: Pipeline,
) -> None:
    key = key_of(1)
    for body in (GOOD[:-9], GOOD[:-5]):
        pipeline.deliver([Delivery(key, body)])
        assert len(load_only(pipeline).unreadable) == 1
    later = OPENED + timedelta(days=10)
    pipeline.deliver([Delivery(key_of(7, opened=later), packed(view("12 10:00", offset=50)[1]))])
    load_only(pipeline)
    assert staged(pipeline) == [50]
    pipeline.deliver([Delivery(key, GOOD)])  # two hours of slack do not reach it any more
    report = load_only(pipeline)
    assert staged(pipeline) == [1, 2, 50]
    assert report.unreadable == ()
    assert states(pipeline, key) == ["loaded", "superseded", "superseded"]


def test_the_command_fails_names_key_and_cure_and_the_others_are_loaded(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.deliver([Delivery(key_of(1), GOOD[:-9]), Delivery(key_of(2), GOOD)])
    stock_key = key_of(3, "sku_availability")
    pipeline.deliver([Delivery(stock_key, packed(stock("02 09:00", "a", 3)[1]))])
    for name, value in environment(pipeline.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("orchestration.cli.Dbt", lambda _: pipeline.dbt)
    assert main(["load"]) == 1
    out, err = capfd.readouterr()
    assert "2 objects, 3 lines: 3 loaded, 0 duplicates, 0 late, 0 quarantined" in out
    (sentence,) = err.strip().splitlines()
    assert sentence.startswith(f"twist: unreadable: {key_of(1)}: cut: the gzip stream ends early")
    assert f"make accept KEY={key_of(1)} WHY='…'" in sentence
    assert main(["load"]) == 1, "it is offered again"
    capfd.readouterr()
    assert main(["accept", "--key", key_of(1), "--why", "known loss"]) == 0
    assert capfd.readouterr().out == f"accepted {key_of(1)}\n"
    assert main(["load"]) == 0
    assert capfd.readouterr().err == ""
    assert main(["accept", "--key", key_of(1), "--why", "again"]) == 1
    assert main(["accept", "--key", key_of(2), "--why", " "]) == 1
    refused = capfd.readouterr().err.splitlines()
    assert refused[0].startswith(f"twist: no unreadable object has the key {key_of(1)}")
    assert refused[1].startswith("twist: say why")
