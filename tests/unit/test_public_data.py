"""Public data sets in the landing layout: nothing lost, nothing invented."""

import csv
import gzip
import json
import shutil
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft202012Validator

from ingestion.contract.strict_json import SCHEMAS
from ingestion.contract.topics import TOPICS
from ingestion.lake import object_keys
from ingestion.simulation import public_data
from orchestration.cli import main

DATA = Path(__file__).parents[1] / "data"
SOURCES = {"otto": DATA / "otto_sample.parquet", "retailrocket": DATA / "retailrocket"}
SNAPSHOT_MS = 1_431_226_800_000

Events = dict[str, list[dict[str, Any]]]


def read(root: Path) -> Events:
    """All lines under a root, per topic, in order of partition and offset."""
    topics: Events = {topic: [] for topic in TOPICS}
    for path in root.rglob("*.gz"):
        assert object_keys.is_landed(path.relative_to(root).as_posix())
        for line in gzip.decompress(path.read_bytes()).splitlines():
            event = json.loads(line)
            topics[event["_topic"]].append(event)
    for events in topics.values():
        events.sort(key=lambda event: (event["_partition"], event["_offset"]))
    return topics


def csv_rows(name: str) -> list[dict[str, str]]:
    with (SOURCES["retailrocket"] / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def landings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    roots = {}
    for name, source in SOURCES.items():
        roots[name] = tmp_path_factory.mktemp(name) / "landing"
        assert main(["land-dataset", name, "--from", str(source), "--out", str(roots[name])]) == 0
    return roots


@pytest.fixture(scope="module")
def otto(landings: dict[str, Path]) -> Events:
    return read(landings["otto"])


@pytest.fixture(scope="module")
def retailrocket(landings: dict[str, Path]) -> Events:
    return read(landings["retailrocket"])


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_line_satisfies_its_schema_and_arrives_when_it_happened(
    landings: dict[str, Path], name: str
) -> None:
    for topic, events in read(landings[name]).items():
        validator = Draft202012Validator(json.loads((SCHEMAS / f"{topic}.json").read_text()))
        for event in events:
            validator.validate(event)
            happened = datetime.fromisoformat(event["event_ts"]).timestamp()
            assert event["_timestamp"] == round(happened * 1000)
        offsets = [event["_offset"] for event in events]
        assert offsets == list(range(len(events)))
        times = [event["_timestamp"] for event in events]
        assert times == sorted(times)


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_replay_gives_the_same_bytes_each_time(
    landings: dict[str, Path], tmp_path: Path, name: str
) -> None:
    assert main(["land-dataset", name, "--from", str(SOURCES[name]), "--out", str(tmp_path)]) == 0
    first, second = (
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.gz")}
        for root in (landings[name], tmp_path)
    )
    assert first == second


@pytest.mark.parametrize("name", list(SOURCES))
def test_event_ids_are_unique(landings: dict[str, Path], name: str) -> None:
    for topic in ("clickstream", "sku_availability"):
        ids = Counter(event["event_id"] for event in read(landings[name])[topic])
        assert not ids or max(ids.values()) == 1


def test_otto_clicks_see_styles_and_carts_and_orders_name_skus(otto: Events) -> None:
    clicks = otto["clickstream"]
    assert Counter(event["event_type"] for event in clicks) == {
        "product_view": 800,
        "add_to_bag": 52,
        "purchase": 10,
    }
    for event in clicks:
        if event["event_type"] == "product_view":
            assert "sku_id" not in event
        else:
            assert event["sku_id"] == event["style_id"]


def test_otto_keeps_item_session_and_time_of_each_event(otto: Events) -> None:
    rows = duckdb.read_parquet(str(SOURCES["otto"])).project("session_id, seq, ts_ms, item_id")
    found = {
        (
            int(e["session_id"]),
            int(e["event_id"].split("-")[1]),
            e["_timestamp"],
            int(e["style_id"]),
        )
        for e in otto["clickstream"]
    }
    assert found == set(rows.fetchall())


def test_otto_knows_no_stock_and_no_catalog(otto: Events) -> None:
    assert otto["sku_availability"] == []
    assert otto["product_catalog"] == []


def test_retailrocket_keeps_every_visit(retailrocket: Events) -> None:
    types = {"view": "product_view", "addtocart": "add_to_bag", "transaction": "purchase"}
    expected = Counter(
        (int(row["timestamp"]), row["visitorid"], types[row["event"]], row["itemid"])
        for row in csv_rows("events.csv")
    )
    assert max(expected.values()) == 2, "the fixture has a visit that is recorded twice"
    found = Counter(
        (e["_timestamp"], e["visitor_id"], e["event_type"], e["sku_id"])
        for e in retailrocket["clickstream"]
    )
    assert found == expected
    assert all(e["style_id"] == e["sku_id"] for e in retailrocket["clickstream"])


def properties() -> list[dict[str, str]]:
    return csv_rows("item_properties_part1.csv") + csv_rows("item_properties_part2.csv")


def test_retailrocket_availability_becomes_stock_in_the_network(retailrocket: Events) -> None:
    expected = {
        (int(row["timestamp"]), row["itemid"], int(row["value"]))
        for row in properties()
        if row["property"] == "available"
    }
    stock = retailrocket["sku_availability"]
    assert {(e["_timestamp"], e["sku_id"], e["available_qty"]) for e in stock} == expected
    assert len(stock) == len(expected)
    assert {e["location_id"] for e in stock} == {"network"}
    assert {e["available_qty"] for e in stock} == {0, 1}


def test_retailrocket_items_enter_the_catalog_with_their_first_property(
    retailrocket: Events,
) -> None:
    first: dict[str, int] = {}
    categories: dict[str, set[str]] = defaultdict(set)
    for row in properties():
        at = int(row["timestamp"])
        first[row["itemid"]] = min(at, first.get(row["itemid"], at))
        if row["property"] == "categoryid":
            categories[row["itemid"]].add(row["value"])
    catalog = retailrocket["product_catalog"]
    assert {item["sku_id"]: item["_timestamp"] for item in catalog} == first
    assert len(set(first.values())) == 2, "one item of the fixture comes a week later"
    for item in catalog:
        assert item["style_id"] == item["sku_id"]
        assert item["is_active"] is True
        assert item["category"] in categories[item["sku_id"]]


def test_retailrocket_departments_are_the_roots_of_the_categories(retailrocket: Events) -> None:
    found = {row["category"]: row["department"] for row in retailrocket["product_catalog"]}
    assert found.items() <= {"1016": "100", "213": "100", "809": "169", "570": "9"}.items()
    assert len(found) > 1


def test_a_view_before_the_first_snapshot_or_of_an_undescribed_item_has_no_stock(
    retailrocket: Events,
) -> None:
    known = {event["sku_id"] for event in retailrocket["sku_availability"]}
    clicks = retailrocket["clickstream"]
    assert any(event["_timestamp"] < SNAPSHOT_MS for event in clicks)
    assert any(event["sku_id"] not in known for event in clicks)


def test_a_category_tree_with_a_circle_ends(tmp_path: Path) -> None:
    folder = shutil.copytree(SOURCES["retailrocket"], tmp_path / "data")
    text = "categoryid,parentid\n1016,213\n213,1016\n570,570\n809,\n"
    (folder / "category_tree.csv").write_text(text)
    rows = [r for chunk in public_data.retailrocket(folder) for r in chunk]
    assert sum(record.topic == "product_catalog" for record in rows) == 10


@pytest.mark.parametrize(
    ("name", "gone", "sentence"),
    [
        ("otto", "", "is missing: name the Parquet file"),
        ("retailrocket", "", "lacks events.csv, item_properties_part1.csv"),
        ("retailrocket", "category_tree.csv", "lacks category_tree.csv: unpack the Kaggle data"),
        ("retailrocket", "item_properties_part2.csv", "lacks item_properties_part2.csv: unpack"),
    ],
)
def test_a_missing_file_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, gone: str, sentence: str
) -> None:
    source = tmp_path / "data"
    if gone:
        shutil.copytree(SOURCES[name], source)
        (source / gone).unlink()
    out = tmp_path / "landing"
    assert main(["land-dataset", name, "--from", str(source), "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert not out.exists()


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_file_of_another_kind_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = tmp_path / "somebody's data"
    if name == "otto":
        source.write_text("no parquet\n")
    else:
        shutil.copytree(SOURCES[name], source)
        (source / "events.csv").write_text("timestamp,visitorid\nyesterday,somebody\n")
    out = tmp_path / "landing"
    assert main(["land-dataset", name, "--from", str(source), "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "not the expected data" in line
    assert str(source) in line


def test_a_replay_never_joins_another_landing(
    landings: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["otto", "--from", str(SOURCES["otto"]), "--out", str(landings["retailrocket"])]
    assert main(["land-dataset", *arguments]) == 1
    assert "holds a landing already" in capsys.readouterr().err


def test_the_fixture_is_what_its_generator_writes(tmp_path: Path) -> None:
    folder = SOURCES["retailrocket"]
    shutil.copy(folder / "make_fixture.py", tmp_path)
    namespace: dict[str, Any] = {
        "__name__": "fixture",
        "__file__": str(tmp_path / "make_fixture.py"),
    }
    exec(compile((tmp_path / "make_fixture.py").read_text(), "make_fixture.py", "exec"), namespace)
    namespace["main"]()
    for path in folder.glob("*.csv"):
        assert (tmp_path / path.name).read_text() == path.read_text()
