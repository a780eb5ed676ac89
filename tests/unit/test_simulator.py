"""The simulated retailer: is it a plausible one, and does each fault do what it says?"""

import gzip
import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from ingestion import dirt, landing, simulator
from ingestion.simulator import RetailerConfig, Write, events, write_landing

SMALL = RetailerConfig(views=2_000, styles=24, locations=40, partitions=2)
BUSY = RetailerConfig(views=30_000, styles=42, locations=60)
TOPICS = set(landing.TOPICS)
POSITION = ("_topic", "_partition", "_offset", "_timestamp")
BOTS = ("bot", "crawl", "spider", "headless")
SCHEMAS = Path(__file__).parents[2] / "ingestion" / "schemas"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Line:
    key: str
    raw: bytes

    @cached_property
    def topic(self) -> str:
        return self.key.split("/")[1]

    @cached_property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.raw)
        return event

    @property
    def position(self) -> tuple[str, int, int]:
        return self.event["_topic"], self.event["_partition"], self.event["_offset"]


def read(root: Path) -> list[Line]:
    """All lines under a root, by key and then in order."""
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return [
        Line(key, raw)
        for key, path in sorted(files.items())
        for raw in gzip.decompress(path.read_bytes()).removesuffix(b"\n").split(b"\n")
    ]


def good(lines: list[Line]) -> list[Line]:
    return [line for line in lines if problem(line) is None]


def value(line: Line) -> str:
    """The event of a good line, without its position."""
    return line.raw.decode().rsplit(',"_topic":', 1)[0]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_bot(event: dict[str, Any]) -> bool:
    return any(pattern in event.get("user_agent", "").lower() for pattern in BOTS)


def delay_ms(event: dict[str, Any]) -> float:
    return float(event["_timestamp"] - instant(event["event_ts"]).timestamp() * 1000)


# --- The contract of a line, written down a second time ---


@cache
def validator(topic: str) -> Any:
    """JSON Schema, where an integer is one that is written as an integer."""
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, found: isinstance(found, int) and not isinstance(found, bool)
    )
    strict = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return strict(json.loads((SCHEMAS / f"{topic}.json").read_text()))


@cache
def problem(line: Line) -> str | None:
    """Why the loader must quarantine this line."""
    try:
        event = json.loads(
            line.raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        json.dumps(event, ensure_ascii=False).encode()
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(event, dict) or "\\u0000" in json.dumps(event):
        return "not an object"
    for name in POSITION[1:]:
        if type(event.get(name)) is not int or event[name] < 0:
            return f"no position: {name}"
    if event.get("_topic") != line.topic:
        return "no position: _topic"
    if not 946_684_800_000 <= event["_timestamp"] < 4_000_000_000_000:
        return "no position: _timestamp"
    present = {name: found for name, found in event.items() if found not in (None, "")}
    for broken in validator(line.topic).iter_errors(present):
        return f"schema: {broken.message}"
    try:
        happened = instant(event["event_ts"])
    except ValueError:
        return "schema: event_ts is no real moment"
    if happened.timestamp() * 1000 > event["_timestamp"] + 10 * MINUTE_MS:
        return "arrived before it happened"
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)


# --- What every landing has in common ---


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    root = tmp_path_factory.mktemp("clean")
    write_landing(SMALL, root)
    return read(root)


def landed(root: Path, **knobs: Any) -> list[Line]:
    write_landing(replace(SMALL, **knobs), root)
    return read(root)


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
    assert {line.topic for line in clean} == TOPICS


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
        assert key == landing.object_key(
            first["_topic"], opened, first["_partition"], first["_offset"]
        )
        assert landing.is_landed(key)
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


# --- The retailer ---


def of_topic(lines: list[Line], topic: str) -> list[dict[str, Any]]:
    return [line.event for line in lines if line.topic == topic]


def test_product_views_are_as_many_as_asked_and_bots_make_their_share(clean: list[Line]) -> None:
    views = [e for e in of_topic(clean, "clickstream") if e["event_type"] == "product_view"]
    assert len(views) == SMALL.views
    assert sum(map(is_bot, views)) == round(SMALL.views * SMALL.bot_views)
    assert sum("sku_id" in view for view in views) / len(views) == pytest.approx(0.4, abs=0.04)
    assert {view["channel"] for view in views} == {"web", "app", "store-kiosk"}


def test_the_day_peaks_in_the_evening(clean: list[Line]) -> None:
    hours = Counter(instant(e["event_ts"]).hour for e in of_topic(clean, "clickstream"))
    assert hours.most_common(1)[0][0] in (19, 20, 21)
    assert hours[20] > 4 * hours[3]


def test_few_styles_have_most_of_the_traffic(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    styles = Counter(e["style_id"] for e in clicks if e["event_type"] == "product_view")
    assert sum(n for _, n in styles.most_common(5)) > 0.35 * SMALL.views
    assert len(styles) == SMALL.styles


def test_a_session_is_the_visit_of_one_visitor_in_one_channel(clean: list[Line]) -> None:
    sessions = defaultdict(list)
    for event in of_topic(clean, "clickstream"):
        sessions[event["session_id"]].append(event)
    same = ("visitor_id", "channel", "user_agent", "fulfilment", "store_id")
    for found in sessions.values():
        assert len({tuple(event.get(name) for name in same) for event in found}) == 1
    assert sum(len(found) > 1 for found in sessions.values()) > len(sessions) / 2
    assert len({found[0]["visitor_id"] for found in sessions.values()}) < len(sessions)


def test_a_purchase_was_in_the_bag_before(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    bags = {
        (e["session_id"], e["sku_id"]): e["event_ts"]
        for e in reversed(clicks)
        if e["event_type"] == "add_to_bag"
    }
    purchases = [e for e in clicks if e["event_type"] == "purchase"]
    assert purchases
    for e in purchases:
        assert bags[e["session_id"], e["sku_id"]] <= e["event_ts"]
    assert {e["event_type"] for e in clicks} == {
        "product_view", "add_to_bag", "purchase", "search", "page_view",
    }  # fmt: skip


def test_a_pickup_names_a_store_and_nothing_else_does(clean: list[Line]) -> None:
    clicks = of_topic(clean, "clickstream")
    assert {e["fulfilment"] for e in clicks} == {"ship", "pickup"}
    for event in clicks:
        assert (event["fulfilment"] == "pickup") == ("store_id" in event)
        assert event.get("store_id", "store-").startswith("store-")


def test_the_sizes_of_a_style_share_its_demand(clean: list[Line]) -> None:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for row in of_topic(clean, "product_catalog"):
        shares[row["style_id"]][row["sku_id"]] = row["size_share"]
    assert len(shares) == SMALL.styles
    for found in shares.values():
        assert sum(found.values()) == pytest.approx(1, abs=0.005)


def test_some_skus_are_no_longer_offered_and_some_prices_fall(tmp_path: Path) -> None:
    config = replace(SMALL, views=100, styles=120)
    write_landing(config, tmp_path)
    rows = of_topic(read(tmp_path), "product_catalog")
    inactive = {row["sku_id"] for row in rows if not row["is_active"]}
    assert 0 < len(inactive) < 0.1 * len(rows)
    prices = defaultdict(list)
    for row in sorted(rows, key=lambda row: str(row["event_ts"])):
        prices[row["sku_id"]].append(row["price"])
    cheaper = [found for found in prices.values() if len(found) > 1]
    assert cheaper
    assert all(found[0] > found[1] for found in cheaper)


def test_every_sku_is_counted_first_wherever_it_is_carried(clean: list[Line]) -> None:
    skus = {row["sku_id"] for row in of_topic(clean, "product_catalog")}
    changes = of_topic(clean, "sku_availability")
    counts = [e for e in changes if e["reason"] == "count"]
    places = {(e["sku_id"], e["location_id"]) for e in counts}
    assert {instant(e["event_ts"]) for e in counts} == {SMALL.start}
    assert {sku for sku, _ in places} == skus
    assert len(places) == len(counts) < len(skus) * SMALL.locations / 2
    assert {(e["sku_id"], e["location_id"]) for e in changes} == places


def levels_in_time(lines: list[Line]) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Stock changes in order of time, each with the step it is for its slot, and with what the
    whole network holds of its SKU then.
    """
    slots: dict[tuple[str, str], int] = {}
    network: Counter[str] = Counter()
    changes = of_topic(lines, "sku_availability")
    for event in sorted(changes, key=lambda e: (e["event_ts"], e["_partition"], e["_offset"])):
        slot = event["sku_id"], event["location_id"]
        step = event["available_qty"] - slots.get(slot, 0)
        slots[slot] = event["available_qty"]
        network[event["sku_id"]] += step
        yield event, step, network[event["sku_id"]]


def test_a_sale_takes_one_piece_and_stock_is_never_negative(clean: list[Line]) -> None:
    reasons = Counter[str]()
    for event, step, network in levels_in_time(clean):
        reasons[event["reason"]] += 1
        assert event["available_qty"] >= 0
        assert network >= 0
        if event["reason"] in ("sale", "return"):
            assert step == (-1 if event["reason"] == "sale" else 1)
        elif event["reason"] == "receipt":
            assert step > 0
    assert set(reasons) == {"count", "sale", "return", "receipt"}


def test_a_purchase_takes_a_piece_that_was_there(clean: list[Line]) -> None:
    sales = Counter(
        (e["sku_id"], e["event_ts"][:23])
        for e in of_topic(clean, "sku_availability")
        if e["reason"] == "sale"
    )
    purchases = [e for e in of_topic(clean, "clickstream") if e["event_type"] == "purchase"]
    for event in purchases:
        assert sales[event["sku_id"], event["event_ts"][:23]] > 0


def test_stock_changes_of_one_slot_never_happen_at_one_instant(clean: list[Line]) -> None:
    found = Counter(
        (e["sku_id"], e["location_id"], e["event_ts"]) for e in of_topic(clean, "sku_availability")
    )
    assert set(found.values()) == {1}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    root = tmp_path_factory.mktemp("busy")
    write_landing(BUSY, root)
    return read(root)


def test_stock_changes_are_about_as_many_as_asked(busy: list[Line]) -> None:
    changes = sum(e["reason"] != "count" for e in of_topic(busy, "sku_availability"))
    assert changes == pytest.approx(BUSY.stock_changes * BUSY.views, rel=0.15)


def test_popular_sizes_run_out_first(busy: list[Line]) -> None:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for row in of_topic(busy, "product_catalog"):
        if row["is_active"]:
            shares[row["style_id"]][row["sku_id"]] = row["size_share"]
    ran_out = {e["sku_id"] for e, _, network in levels_in_time(busy) if not network}
    ends = [sorted(sizes, key=sizes.__getitem__) for sizes in shares.values() if len(sizes) > 4]
    # Tiny sizes sell so little that they end up with no stock as well: rank 1, not 0, is compared.
    popular = sum(sizes[-1] in ran_out for sizes in ends)
    rare = sum(sizes[1] in ran_out for sizes in ends)
    assert popular > rare


def test_some_demand_meets_empty_shelves(busy: list[Line]) -> None:
    """TWIST over the SKU views of people is worth looking at: neither perfect nor hopeless."""
    known: dict[str, list[str]] = defaultdict(list)
    stocked: dict[str, list[bool]] = defaultdict(list)
    for event, _, network in levels_in_time(busy):
        known[event["sku_id"]].append(event["event_ts"][:-1])
        stocked[event["sku_id"]].append(network > 0)
    by_brand: dict[str, list[bool]] = defaultdict(list)
    for event in of_topic(busy, "clickstream"):
        if event["event_type"] == "product_view" and "sku_id" in event and not is_bot(event):
            sku = event["sku_id"]
            at = bisect_right(known[sku], event["event_ts"][:-1] + "999")
            by_brand[sku[:2]].append(stocked[sku][at - 1])
    rates = sorted(sum(found) / len(found) for found in by_brand.values())
    views = [found for brand in by_brand.values() for found in brand]
    assert 0.70 < sum(views) / len(views) < 0.95
    assert rates[-1] - rates[0] > 0.1


@pytest.mark.parametrize(
    ("start", "hours"), [("2026-02-28T13:30:07+00:00", 30), ("2026-11-01T23:00:00+02:00", 1)]
)
def test_any_period_can_be_played(tmp_path: Path, start: str, hours: int) -> None:
    config = replace(SMALL, views=500, start=instant(start), hours=hours)
    write_landing(config, tmp_path)
    lines = read(tmp_path)
    assert len(of_topic(lines, "clickstream")) > 500
    for line in lines:
        assert config.start <= instant(line.event["event_ts"]) < config.end


# --- Faults ---


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
        landed_first, landed_again = landing.folder_hour(first), landing.folder_hour(second)
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


# --- The command ---


def test_the_command_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--views 200 --styles 10 --locations 20 --hours 2 --seed 3 --start 2026-03-01"
    assert simulator.main(["--out", str(tmp_path / "lake"), *arguments.split()]) == 0
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
    with pytest.raises(SystemExit) as stop:
        simulator.main(["--out", str(tmp_path / "lake"), *arguments.split()])
    assert stop.value.code == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


def test_a_second_landing_never_joins_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(tmp_path), "--views", "50", "--styles", "5", "--locations", "10"]
    assert simulator.main(arguments) == 0
    with pytest.raises(SystemExit):
        simulator.main(arguments)
    assert "holds a landing already" in capsys.readouterr().err
