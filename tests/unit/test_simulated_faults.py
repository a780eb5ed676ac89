"""What goes wrong on purpose: repeats, lateness, disorder, dirt, rewritten keys."""

import gzip
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake import object_keys
from ingestion.simulation import dirt
from ingestion.simulation.simulator import Write, write_landing
from tests.harness.landed_lines import (
    MINUTE_MS,
    SMALL,
    Line,
    delay_ms,
    good,
    instant,
    landed,
    problem,
    read,
    value,
)


@pytest.mark.parametrize(
    "knobs",
    [
        {"duplicate_rate": 0.3},
        {"rewrite_rate": 1.0},
        {"retry_rate": 0.3},
        {"late_rate": 0.3},
        {"too_late_rate": 0.3},
        {"disorder": 30.0},
        {"file_minutes": 5, "partitions": 3},
    ],
    ids=str,
)
def test_a_fault_neither_loses_nor_invents_events(
    tmp_path: Path, clean: list[Line], knobs: dict[str, Any]
) -> None:
    assert set(map(value, landed(tmp_path, **knobs))) == set(map(value, clean))


def test_redelivered_lines_are_equal_and_lie_in_a_file_of_the_next_hour(
    tmp_path: Path, clean: list[Line]
) -> None:
    lines = landed(tmp_path, duplicate_rate=0.1)
    files: dict[bytes, list[str]] = defaultdict(list)
    for line in lines:
        files[line.raw].append(line.key)
    assert set(files) == {line.raw for line in clean}
    again = {raw: keys for raw, keys in files.items() if len(keys) > 1}
    assert len(again) == len(lines) - len(clean)
    assert len(again) == pytest.approx(0.1 * len(clean), rel=0.1)
    for first, second in again.values():
        landed_first, landed_again = object_keys.folder_hour(first), object_keys.folder_hour(second)
        assert landed_first is not None
        assert landed_again == landed_first + timedelta(hours=1)
    offsets = [line.event["_offset"] for line in lines if line.key == next(iter(again.values()))[1]]
    assert offsets == sorted(offsets)


def test_a_retry_is_the_same_event_at_a_later_position(tmp_path: Path) -> None:
    copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in landed(tmp_path, retry_rate=0.1):
        copies[value(line)].append(line.event)
    again = [found for found in copies.values() if len(found) > 1]
    with_id = [found for found in copies.values() if "event_id" in found[0]]
    assert len(again) == pytest.approx(0.1 * len(with_id), rel=0.15)
    for first, second in again:
        assert first["_partition"] == second["_partition"]
        assert first["_offset"] < second["_offset"]
        assert 0 < second["_timestamp"] - first["_timestamp"] <= 30_000


def test_late_events_arrive_hours_later_and_too_late_ones_after_the_days_of_grace(
    tmp_path: Path,
) -> None:
    knobs = {"late_rate": 0.1, "late_hours": 6.0, "too_late_rate": 0.05, "late_days": 2}
    lines = landed(tmp_path, **knobs)
    kinds = Counter[str]()
    for line in lines:
        event = line.event
        arrived = datetime.fromtimestamp(event["_timestamp"] / 1000, UTC)
        days = (arrived.date() - instant(event["event_ts"]).date()).days
        delay = delay_ms(event)
        if delay < 1000:
            kinds["in time"] += 1
        elif days > 2:
            kinds["too late"] += 1
        else:
            assert 1.5 * 60 * MINUTE_MS < delay < 6.001 * 60 * MINUTE_MS
            assert line.topic != "product_catalog"
            kinds["late"] += 1
    assert kinds["late"] == pytest.approx(0.1 * len(lines), rel=0.15)
    assert kinds["too late"] == pytest.approx(0.05 * len(lines), rel=0.2)


def test_without_disorder_events_arrive_as_they_happened(tmp_path: Path, clean: list[Line]) -> None:
    def out_of_order(lines: list[Line]) -> int:
        times = defaultdict(list)
        for line in sorted(lines, key=lambda line: line.position):
            times[line.position[:2]].append(instant(line.event["event_ts"]))
        return sum(a > b for found in times.values() for a, b in pairwise(found))

    assert out_of_order(clean) == 0
    assert {round(delay_ms(line.event)) for line in clean} <= {79, 80}
    lines = landed(tmp_path, disorder=60.0)
    assert out_of_order(lines) > 100
    assert max(delay_ms(line.event) for line in lines) == pytest.approx(60_000, rel=0.05)


@pytest.mark.parametrize(
    ("topic", "kind"), [(topic, kind) for topic, kinds in dirt.KINDS.items() for kind in kinds]
)
def test_a_malformed_line_must_be_quarantined(clean: list[Line], topic: str, kind: str) -> None:
    line = next(line for line in clean if line.topic == topic)
    spoiled = dirt.spoil(kind, line.event)
    assert b"\n" not in spoiled
    assert problem(Line(line.key, spoiled)) is not None


def test_malformed_lines_come_on_top_of_the_good_ones(tmp_path: Path, clean: list[Line]) -> None:
    summary = write_landing(replace(SMALL, dirty_rate=0.1), tmp_path)
    lines = read(tmp_path)
    dirty = [line for line in lines if problem(line)]
    assert len(dirty) == summary.dirty.total() == len(lines) - len(clean)
    assert len(dirty) == pytest.approx(0.1 * len(clean), rel=0.2)
    assert set(dirt.KINDS["clickstream"]) <= set(summary.dirty)
    assert set(map(value, good(lines))) == set(map(value, clean))
    assert len({line.position for line in good(lines)}) == len(clean)


def test_a_rewritten_key_holds_fewer_lines_first_and_can_be_read_between(tmp_path: Path) -> None:
    early: dict[str, bytes] = {}
    final: dict[str, bytes] = {}

    def on_write(write: Write) -> None:
        on_disk = gzip.decompress((tmp_path / write.key).read_bytes())
        assert on_disk.count(b"\n") == write.lines
        if write.final:
            final[write.key] = on_disk
        else:
            assert write.key not in final
            early[write.key] = on_disk

    summary = write_landing(replace(SMALL, rewrite_rate=0.5), tmp_path, on_write)
    assert 0 < summary.rewritten == len(early) < len(final)
    for key, text in early.items():
        assert 0 < len(text) < len(final[key])
        assert final[key].startswith(text)
    assert not list(tmp_path.rglob("*.part"))
