"""The pages of `make docs`."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract.strict_json import SCHEMAS
from orchestration.pages import dbt_docs, guide

MANIFEST: dict[str, Any] = {
    "metadata": {"dbt_version": "1.11"},
    "nodes": {
        "model.twist.late": {
            "unique_id": "model.twist.late",
            "resource_type": "model",
            "name": "late",
            "database": "twist",
            "schema": "audit",
            "alias": "late",
            "config": {"materialized": "view"},
            "description": "Late.",
            "columns": {
                "topic": {"data_type": "varchar(64)", "description": "Kafka |\ntopic."},
                "visitor_id": {
                    "data_type": "varchar(128)",
                    "description": "Who.",
                    "meta": {"personal_data": "the visitor"},
                },
            },
        },
        "test.twist.late": {"resource_type": "test"},
    },
    "sources": {
        "source.twist.late": {
            "unique_id": "source.twist.late",
            "resource_type": "source",
            "database": "twist",
            "schema": "audit",
            "identifier": "late",
            "config": {},
            "columns": {},
        },
        "source.twist.unknown": {
            "unique_id": "source.twist.unknown",
            "resource_type": "source",
            "database": "twist",
            "schema": "landing",
            "identifier": "unknown",
            "config": {},
            "columns": {},
        },
    },
}


def test_a_source_that_is_a_model_has_its_columns_and_an_unknown_one_is_left_out() -> None:
    catalog = dbt_docs.catalog_of(MANIFEST)
    assert list(catalog["nodes"]) == ["model.twist.late"]
    assert catalog["nodes"]["model.twist.late"]["metadata"]["type"] == "VIEW"
    assert list(catalog["sources"]) == ["source.twist.late"]
    assert catalog["sources"]["source.twist.late"]["columns"]["topic"]["type"] == "varchar(64)"


def test_the_graph_leads_from_the_landing_lake_to_the_marts() -> None:
    parents = {
        "source.landing": [],
        "source.earlier": [],
        "model.load": ["source.landing", "source.earlier"],
        "model.staging": ["model.load"],
        "model.changed": ["model.staging", "source.earlier"],
        "model.mart": ["model.changed", "model.staging"],
        "test.mart": ["model.mart"],
    }
    nodes = {name: {"docs": {"show": True}} for name in parents if name.startswith("model.")}
    for hidden in ("model.load", "model.changed"):
        nodes[hidden] = {"docs": {"show": False}}
    sources = {
        "source.landing": {"source_name": "landing"},
        "source.earlier": {"source_name": "earlier_marts"},
    }
    manifest = {"nodes": nodes, "sources": sources, "parent_map": parents}
    assert {name: found for name, found in dbt_docs.graph_of(manifest).items() if found} == {
        "model.staging": ["source.landing"],
        "model.mart": ["model.staging"],
        "test.mart": ["model.mart"],
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("it's a réal folder"))


def build(folder: Path, schemas: dict[str, Any] | None = None) -> Path:
    """The site as `make docs` builds it; dbt's pages are empty files."""
    docs = folder / "docs"
    shutil.copytree(SCHEMAS, docs / "schemas")
    for name, schema in (schemas or {}).items():
        (docs / "schemas" / f"{name}.json").write_text(json.dumps(schema))
    for made in ("dbt.html", "lineage/index.html"):
        (docs / made).parent.mkdir(exist_ok=True)
        (docs / made).touch()
    guide.build_site(docs, folder / "site", MANIFEST)
    return folder / "site"


def rows(page: Path) -> list[list[str]]:
    """The texts of the cells of each row of a page's tables, but of the headings."""
    found = re.findall(r"(?s)<tr>(.*?)</tr>", page.read_text())
    cells = [re.findall(r"(?s)<td>(.*?)</td>", row) for row in found]
    return [[unescape(re.sub("<[^>]+>", "", cell)) for cell in row] for row in cells if row]


def test_limits_are_said_in_words(tmp_path: Path) -> None:
    words: dict[str, dict[str, Any]] = {
        "at most 128 characters": {"type": "string", "maxLength": 128},
        "cut at 2,048 characters": {"type": "string", "x-cut": 2048},
        "ship or pickup": {"type": "string", "enum": ["ship", "pickup"]},
        "above 0, at most 1": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "at least 0, at most 1,000": {"type": "integer", "minimum": 0, "maximum": 1000},
        "YYYY-MM-DDTHH:MM:SS[.1–6 digits]Z": {"type": "string", "format": "date-time"},
        "": {"type": "boolean"},
    }
    fields = {
        f"field_{number}": rule | {"description": f"{number} | <b> &\nmore"}
        for number, rule in enumerate(words.values())
    }
    planted = {"planted": {"description": "Planted.", "properties": fields}}
    shown = {row[0]: row for row in rows(build(tmp_path, planted) / "contract" / "topics.html")}
    for number, (said, rule) in enumerate(words.items()):
        field = [rule["type"], "", said, f"{number} | <b> & more"]
        assert shown[f"field_{number}"][1:] == field


def test_each_field_of_each_topic_and_each_column_is_shown(site: Path) -> None:
    schemas = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    topics = rows(site / "contract" / "topics.html")
    described = [
        (field, rule["type"], rule["description"])
        for schema in schemas
        for field, rule in schema["properties"].items()
    ]
    assert sorted((row[0], row[1], row[4]) for row in topics) == sorted(described)
    said = [row[:3] for row in topics]
    assert ["event_id", "string", "yes"] in said
    assert ["style_id", "string", "sometimes"] in said
    assert rows(site / "contract" / "tables.html") == [
        ["topic", "varchar(64)", "", "Kafka | topic."],
        ["visitor_id", "varchar(128)", "the visitor", "Who."],
    ]


def test_the_pages_need_no_network(site: Path) -> None:
    assert network_faults(site) == []


def test_a_page_that_needs_the_network_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://a.b"></a><script src="https://a.b"></script>'
    )
    (tmp_path / "b.html").write_text('<link rel="icon" href=//a.b/c.ico><img src="c.png">')
    (tmp_path / "c.css").write_text("/* https://a.b */ @font-face { src: url('https://a.b/c') }")
    assert network_faults(tmp_path) == ["a.html", "b.html", "c.css"]


def network_faults(site: Path) -> list[str]:
    """The pages and style sheets that load something from elsewhere."""
    loads = r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//"
    fetches = r"(?:url\(|@import)\s*[\"']?(?:https?:)?//"
    return [
        path.relative_to(site).as_posix()
        for path in sorted(site.rglob("*"))
        if path.suffix in (".html", ".css")
        if re.search(fetches if path.suffix == ".css" else loads, path.read_text())
    ]


@pytest.mark.long
def test_pages_need_no_network_and_columns_are_traced(tmp_path: Path) -> None:
    index = dbt_docs.write_docs(tmp_path / "docs", lambda _: None)
    pages = [index, index.with_name("dbt.html"), index.parent / "lineage" / "index.html"]
    assert network_faults(index.parent) == []
    assert "colibriTelemetry = false" in pages[2].read_text()
    links = set(re.findall(r"\]\((guide/[^)#]+)", pages[1].read_text()))
    assert "guide/dbt_project/docs/runbook.html" in links, "dbt's first page leads there"
    assert [link for link in links if not (index.parent / link).is_file()] == []
    traced = json.loads((index.parent / "lineage" / "colibri-manifest.json").read_text())
    steps = {
        (edge["target"], edge["targetColumn"], edge["source"], edge["sourceColumn"])
        for edge in traced["lineage"]["edges"]
    }
    for step in (
        ("fct_twist_hourly", "in_stock_views", "fct_twist", "in_stock_share"),
        ("fct_twist", "in_stock_share", "int_stock__sku_states", "in_stock"),
        ("fct_twist", "in_stock_share", "int_stock__style_states", "in_stock_share"),
        ("fct_twist", "channel", "stg_clickstream__events", "channel"),
        ("lost_demand_by_state", "lost_views", "int_catalog__size_shares", "size_share"),
    ):
        target, column, source, origin = step
        assert (f"model.twist.{target}", column, f"model.twist.{source}", origin) in steps, step
