"""The fields that the load models know are those of the JSON Schemas."""

import ast
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ingestion.contract.strict_json import schema
from ingestion.contract.topics import DEAD_LETTERS, TOPICS
from ingestion.settings import ROOT

MACRO = ROOT / "dbt_project" / "macros" / "load" / "topic_fields.sql"


def macro_fields(topic: str) -> dict[str, dict[str, Any]]:
    """The literal in the macro, by name of the field."""
    found = re.search(r"set fields = (\{.*\}) -%\}", MACRO.read_text(), re.DOTALL)
    assert found
    literal = found[1].replace("true", "True").replace("false", "False")
    fields = ast.literal_eval(literal)[topic]
    by_name = {field["name"]: field for field in fields}
    assert len(by_name) == len(fields), "a field stands twice"
    return by_name


def schema_fields(topic: str) -> dict[str, dict[str, Any]]:
    """The same from the JSON Schema."""
    document = schema(topic)
    known = {"type", "description", "default", "format", "pattern", "maxLength", "enum", "x-cut"}
    known |= {"minimum", "maximum", "exclusiveMinimum"}
    fields = {}
    for name, rule in document["properties"].items():
        assert set(rule) <= known, f"{name} has a rule that the macro cannot express"
        is_timestamp = rule.get("format") == "date-time"
        field = {"name": name, "type": "timestamp" if is_timestamp else rule["type"]}
        field["type"] = field["type"].replace("string", "text")
        if name in document["required"]:
            field["required"] = True
        for ours, theirs in {
            "length": "maxLength",
            "allowed": "enum",
            "cut": "x-cut",
            "minimum": "minimum",
            "maximum": "maximum",
            "above": "exclusiveMinimum",
        }.items():
            if theirs in rule:
                field[ours] = rule[theirs]
        fields[name] = field
    if "if" in document:
        ((name, condition),) = document["if"]["properties"].items()
        for required in document["then"]["required"]:
            fields[required]["required_if"] = f"{name} = '{condition['const']}'"
    return fields


@pytest.mark.parametrize("topic", [*TOPICS, DEAD_LETTERS])
def test_the_macro_and_the_schema_say_the_same(topic: str) -> None:
    assert macro_fields(topic) == schema_fields(topic)


@pytest.mark.parametrize("topic", [*TOPICS, DEAD_LETTERS])
def test_the_schema_is_one(topic: str) -> None:
    document = schema(topic)
    Draft202012Validator.check_schema(document)
    assert document["title"] == topic
    assert set(document["required"]) <= set(document["properties"])
    assert all(rule["description"] for rule in document["properties"].values())


def test_a_difference_between_macro_and_schema_is_found() -> None:
    wrong = macro_fields("clickstream")
    wrong["sku_id"] = {**wrong["sku_id"], "length": 127}
    assert wrong != schema_fields("clickstream")
