"""The strict check that a line is JSON and has the JSON types of its topic's schema.

DuckDB's parser is fast but lenient (it accepts NaN, trailing commas and repeated keys), so the
reader of the lake (ingestion/lake/lines.py) calls this for the first line of each shape.
"""

import json
from decimal import ROUND_DOWN, Context, Decimal
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "schemas"

_MILLION = Decimal(10) ** 6
_SMALLEST = Decimal("1E-36")
_EXACT = Context(prec=60)

_JSON_TYPES = {str: "string", bool: "boolean", dict: "object", list: "array"}


class _NotJson(ValueError):
    pass


@cache
def schema(topic: str) -> dict[str, Any]:
    """The JSON Schema of a topic, from `ingestion/contract/schemas/<topic>.json`."""
    parsed: dict[str, Any] = json.loads((SCHEMAS / f"{topic}.json").read_text())
    return parsed


def json_problem(line: str, topic: str) -> str | None:
    """Why `line` is not a JSON object, or which field has another JSON type than its schema's.

    A reason of the first kind starts with "not JSON"; None where the line passes.
    """
    try:
        event = _parse(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {str(error)[:200]}"
    if not isinstance(event, dict):
        return f"not JSON object but {_json_type(event)}"
    for field, rule in schema(topic)["properties"].items():
        found = event.get(field)
        if found is None or found == "" or _json_type(found) == rule["type"]:
            continue
        if rule["type"] == "number" and _json_type(found) == "integer":
            continue
        return f"{field} is of type {_json_type(found)}, not {rule['type']}"
    return None


def json_number(line: str, field: str) -> str | None:
    """The number of a top-level field as written, in plain digits; None where there is none.

    Cut (not rounded) after 36 decimals, so that rounding it later sees the number as written; a
    number beyond a million comes back as a million.
    """
    try:
        event = _parse(line)
    except (ValueError, RecursionError):
        return None
    found = event.get(field) if isinstance(event, dict) else None
    if not isinstance(found, _Number):
        return None
    number = min(max(_exact(found), -_MILLION), _MILLION)
    cut = number.quantize(_SMALLEST, ROUND_DOWN, _EXACT)
    return format(cut or (_SMALLEST if number > 0 else cut), "f")


def _exact(number: str) -> Decimal:
    """Its value; Decimal refuses a long exponent, so beyond some thousands all are alike."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = exponent.lstrip("+-").lstrip("0")
    power = "9999" if len(digits) > 4 else digits or "0"
    return Decimal(f"{mantissa}e{'-' if exponent.startswith('-') else ''}{power}")


class _Number(str):
    """A number as written. An integer is written without point or exponent."""

    __slots__ = ()


def _parse(line: str) -> Any:
    if "\0" in line:
        raise _NotJson("NUL character")
    event = json.loads(
        line,
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant,
        parse_int=_Number,
        parse_float=_Number,
    )
    if "\\u" in line:
        _refuse_characters(event)
    return event


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # None
        raise _NotJson(f"duplicate key {twice!r}")
    return found


def _refuse_constant(name: str) -> None:
    raise _NotJson(f"{name} is not a JSON value")


def _refuse_characters(value: Any) -> None:
    """Escapes can encode characters that are not allowed: NUL and half of a surrogate pair."""
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_characters(key)
            _refuse_characters(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_characters(item)
    elif isinstance(value, str):
        if "\0" in value:
            raise _NotJson("NUL character")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _NotJson("half a surrogate pair")


def _json_type(value: Any) -> str:
    if isinstance(value, _Number):
        return "number" if set(value) & set(".eE") else "integer"
    return "null" if value is None else _JSON_TYPES[type(value)]
