"""The overview's models as their YAML describes them: columns, types and definitions."""

import re
from functools import cache
from typing import Any

import yaml

from orchestration.warehouse.dbt_runner import PROJECT

FOLDER = PROJECT / "models" / "overview"
PARTS = (
    "now",
    "hours",
    "breakdown",
    "money",
    "lost_skus",
    "stockouts",
    "repairs",
    "stock_locations",
    "recoveries",
    "pickup",
    "transfers",
    "size_grid",
    "topics",
)
"""The parts of the page, each the SQL view overview_<part>."""
JSON_TYPES = {
    "bigint": {"type": "integer"},
    "smallint": {"type": "integer"},
    "decimal": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "varchar": {"type": "string"},
}


@cache
def described() -> dict[str, dict[str, Any]]:
    """By part: its `description` and its `columns`, name → data_type and description."""
    text = (PROJECT / "models" / "columns.md").read_text()
    docs = dict(re.findall(r"(?s){% docs (\w+) %}\s*(.*?)\s*{% enddocs %}", text))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in sorted(FOLDER.glob("*.yml")):
        for model in yaml.load(path.read_text(), loader)["models"]:  # noqa: S506  # it is safe
            for column in model["columns"]:
                doc = re.fullmatch(r"{{ doc\('(\w+)'\) }}", column["description"])
                column["description"] = docs[doc[1]] if doc else column["description"]
            columns = {column["name"]: column for column in model["columns"]}
            part = model["name"].removeprefix("overview_")
            found[part] = {"description": model["description"], "columns": columns}
    return found


def schema() -> dict[str, Any]:
    """The JSON Schema of overview.json: rows as the models' YAML describes them."""
    checks = {"source", "name", "status", "sentence", "table", "checked_at"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TWIST overview",
        "description": "The figures of the overview page. Rates are parts of 1, null where nothing "
        "is known; measures are additive, rates are not.",
        "type": "object",
        "required": ["generated_at", "freshness", *PARTS, "checks"],
        "additionalProperties": False,
        "properties": {
            "generated_at": {"type": "string", "format": "date-time"},
            "freshness": {
                "description": "Age of the newest event of each topic against its limit.",
                "type": "object",
                "additionalProperties": _object(
                    {
                        "colour": {"enum": ["green", "amber", "red"]},
                        "age_seconds": {"type": ["integer", "null"]},
                        "limit_seconds": {"type": "integer"},
                    }
                ),
            },
            **{part: _rows(part) for part in PARTS},
            "checks": {
                "description": "The newest result of each dbt test, expectation and freshness "
                "check, red first.",
                "type": "array",
                "items": _object({name: {"type": "string"} for name in sorted(checks)}),
            },
        },
    }


def _rows(part: str) -> dict[str, Any]:
    model = described()[part]
    columns = {
        name: _column(column["data_type"]) | {"description": column["description"]}
        for name, column in model["columns"].items()
    }
    return {"description": model["description"], "type": "array", "items": _object(columns)}


def _column(data_type: str) -> dict[str, Any]:
    kind = JSON_TYPES[data_type.split("(")[0]]
    return kind | {"type": [kind["type"], "null"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }
