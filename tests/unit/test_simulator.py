"""The simulator: what every landing has in common, and the command."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract.topics import TOPICS
from ingestion.lake import object_keys
from ingestion.simulation.simulator import Write, events, write_landing
from orchestration.cli import main
from tests.harness.landed_lines import (
    MINUTE_MS,
    POSITION,
    SMALL,
    Line,
    good,
    landed,
    problem,
    read,
)

# --- What every landing has in common ---


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    faulty = replace(
        SMALL, duplicate_rate=0.1, dirty_rate=0.1, rewrite_rate=0.5, retry_rate=0.1, late_rate=0.1
    )
    writes: dict[str, list[Write]] = {}
    for name, config in (("a", faulty), ("b", faulty), ("c", replace(faulty, seed=2))):
        writes[name] = []
        write_landing(config, tmp_path / name, writes[name].append)
    assert writes["a"] == writes["b"]
    assert writes["a"] != writes["c"]


def test_gzip_headers_tell_no_time(tmp_path: Path) -> None:
    write_landing(SMALL, tmp_path)
    assert {path.read_bytes()[4:8] for path in tmp_path.rglob("*.gz")} == {bytes(4)}


def test_every_line_satisfies_its_schema(clean: list[Line]) -> None:
    assert [line for line in clean if problem(line)] == []
    assert {line.topic for line in clean} == set(TOPICS)


def test_the_position_stands_at_the_end_of_a_compact_line(clean: list[Line]) -> None:
    for line in clean:
        assert tuple(line.event)[-4:] == POSITION
        assert json.dumps(line.event, separators=(",", ":"), ensure_ascii=False) in (
            line.raw.decode(),
            re.sub(r'("price":\d+\.\d)0\b', r"\1", line.raw.decode()),
        )


def test_offsets_count_from_zero_in_each_partition_and_follow_the_arrivals(
    clean: list[Line],
) -> None:
    arrivals = defaultdict(list)
    for line in clean:
        topic, partition, offset = line.position
        arrivals[topic, partition].append((offset, line.event["_timestamp"]))
    assert set(arrivals) == {(topic, n) for topic in TOPICS for n in range(2)}
    for found in arrivals.values():
        found.sort()
        assert [offset for offset, _ in found] == list(range(len(found)))
        times = [timestamp for _, timestamp in found]
        assert times == sorted(times)


def test_a_key_stays_in_its_partition(clean: list[Line]) -> None:
    partitions = defaultdict(set)
    for line in clean:
        key = "visitor_id" if line.topic == "clickstream" else "sku_id"
        partitions[line.topic, line.event[key]].add(line.event["_partition"])
    assert {len(found) for found in partitions.values()} == {1}


@pytest.mark.parametrize("minutes", [60, 20])
def test_a_file_lies_in_the_hour_it_was_opened_and_is_named_after_its_first_offset(
    tmp_path: Path, minutes: int
) -> None:
    files = defaultdict(list)
    for line in landed(tmp_path, file_minutes=minutes):
        files[line.key].append(line.event)
    windows = set()
    for key, found in files.items():
        first = found[0]
        opened = datetime.fromtimestamp(first["_timestamp"] / 1000, UTC)
        assert key == object_keys.object_key(
            first["_topic"], opened, first["_partition"], first["_offset"]
        )
        assert object_keys.is_landed(key)
        (window,) = {event["_timestamp"] // (minutes * MINUTE_MS) for event in found}
        windows.add((first["_topic"], first["_partition"], window))
    assert len(windows) == len(files)


def test_records_come_in_timestamp_order() -> None:
    config = replace(SMALL, disorder=90.0, late_rate=0.05, too_late_rate=0.02, retry_rate=0.05)
    times = [record.timestamp for chunk in events(config) for record in chunk]
    assert times == sorted(times)


def test_the_summary_counts_what_lies_on_disk(tmp_path: Path) -> None:
    faults: dict[str, Any] = {"duplicate_rate": 0.1, "dirty_rate": 0.1, "rewrite_rate": 0.3}
    config = replace(SMALL, views=500, styles=10, **faults)
    summary = write_landing(config, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    lines = read(tmp_path)
    assert summary.objects == len(files)
    assert summary.bytes == sum(path.stat().st_size for path in files)
    assert summary.lines == len(lines)
    assert summary.dirty.total() == len(lines) - len(good(lines))
    assert summary.records.total() == len({line.position for line in good(lines)})
    assert summary.lines == (summary.records.total() + summary.redelivered + summary.dirty.total())


# --- The command ---


def test_the_command_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--views 200 --styles 10 --locations 20 --hours 2 --seed 3 --start 2026-03-01"
    assert main(["simulate", "--out", str(tmp_path / "lake"), *arguments.split()]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ objects, [\d,]+ lines, [\d,]+ bytes in \d+\.\d seconds → .*", line)
    folders = {line.key.split("/")[2] for line in read(tmp_path / "lake")}
    assert folders == {"dt=2026-03-01"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--dirty-rate 2", "dirty_rate=2.0: a share between 0 and 1"),
        ("--file-minutes 7", "file_minutes=7: a divisor of 60"),
        ("--views 0", "views=0: at least 1"),
        ("--late-rate 0.6 --too-late-rate 0.6", "together: at most 1"),
        ("--late-rate 0.1 --late-days 0", "late_hours"),
        ("--seed -1", "seed=-1: at least 0"),
    ],
)
def test_a_wrong_knob_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, reason: str
) -> None:
    assert main(["simulate", "--out", str(tmp_path / "lake"), *arguments.split()]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


def test_a_second_landing_never_joins_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "simulate",
        "--out",
        str(tmp_path),
        "--views",
        "50",
        "--styles",
        "5",
        "--locations",
        "10",
    ]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "holds a landing already" in capsys.readouterr().err
