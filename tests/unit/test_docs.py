"""The pages of `make docs`."""

import json
import re
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
            "columns": {"topic": {"data_type": "varchar(64)"}},
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


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"type": "string", "maxLength": 128}, "at most 128 characters"),
        ({"type": "string", "x-cut": 2048}, "cut at 2,048 characters"),
        ({"type": "string", "enum": ["ship", "pickup"]}, "ship or pickup"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "above 0, at most 1"),
        ({"type": "integer", "minimum": 0, "maximum": 1000}, "at least 0, at most 1,000"),
        ({"type": "boolean"}, ""),
    ],
)
def test_limits_are_said_in_words(rule: dict[str, Any], words: str) -> None:
    assert dbt_docs.limits(rule) == words


def test_the_index_shows_each_field_of_each_topic() -> None:
    schemas = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    page = dbt_docs.index_page(schemas, MANIFEST, {})
    fields = sum(len(schema["properties"]) for schema in schemas.values())
    assert page.count("<tr><td>") == fields + 1, "and the column of the one table"
    assert "<td><code>style_id</code></td><td>string</td><td>sometimes</td>" in page
    assert "<td><code>event_id</code></td><td>string</td><td>yes</td>" in page


@pytest.mark.long
def test_pages_need_no_network_and_columns_are_traced(tmp_path: Path) -> None:
    index = dbt_docs.write_docs(tmp_path / "docs", lambda _: None)
    pages = [index, index.with_name("dbt.html"), index.parent / "lineage" / "index.html"]
    for page in pages:
        text = page.read_text()
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?(https?:)?//", text), page
    assert "colibriTelemetry = false" in pages[2].read_text()
    runbook = guide.address("dbt_project/docs/runbook.md")
    assert (index.parent / runbook).is_file()
    assert f"]({runbook})" in pages[1].read_text(), "dbt's first page leads there"
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
        ("fct_lost_demand_hourly", "lost_views", "int_catalog__size_shares", "size_share"),
    ):
        target, column, source, origin = step
        assert (f"model.twist.{target}", column, f"model.twist.{source}", origin) in steps, step
