"""The strict parser: what it objects to, and what it lets pass."""

import json
from typing import Any

import pytest

from ingestion.contract.strict_json import json_number, json_problem

GOOD: dict[str, dict[str, Any]] = {
    "clickstream": {"event_id": "e1", "event_type": "search", "event_ts": "t", "channel": "web"},
    "sku_availability": {"event_id": "e1", "sku_id": "s", "location_id": "l", "available_qty": 5},
    "product_catalog": {"sku_id": "s", "style_id": "y", "is_active": True, "size_share": 0.25},
}


def line(topic: str, **changes: Any) -> str:
    return json.dumps({**GOOD[topic], **changes})


def with_value(text: str) -> str:
    """A clickstream line with an extra field whose value is written like this."""
    return json.dumps({**GOOD["clickstream"], "extra": "MARK"}).replace('"MARK"', text)


@pytest.mark.parametrize("topic", GOOD)
def test_a_good_line_has_no_problem(topic: str) -> None:
    assert json_problem(line(topic), topic) is None


@pytest.mark.parametrize(
    "text",
    [
        "null",
        '""',
        "[]",
        "{}",
        '{"a": {"b": [null, true, -0.5e-7]}}',
        '[{"a": 1}, {"a": 1}]',
        "1e400",
        "9" * 5000,
        "-0",
        r'"\ud83d\ude00"',
        r'"\\u0000"',
        r'"\\ud800"',
        '"😀\x7f\u2028"',
        '"NaN"',
    ],
)
def test_any_json_value_may_stand_in_an_extra_field(text: str) -> None:
    assert json_problem(with_value(text), "clickstream") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "not JSON: NaN is not a JSON value"),
        ("Infinity", "not JSON: Infinity is not a JSON value"),
        ("[-Infinity]", "not JSON: -Infinity is not a JSON value"),
        ('{"a": 1, "a": 1}', "not JSON: duplicate key 'a'"),
        (r'{"ab": 1, "\u0061b": 2}', "not JSON: duplicate key 'ab'"),
        (r'"\u0000"', "not JSON: NUL character"),
        (r'{"x\u0000": 1}', "not JSON: NUL character"),
        ('"a\x00b"', "not JSON: NUL character"),
        (r'"\ud83d"', "not JSON: half a surrogate pair"),
        (r'["\ude00\ud83d"]', "not JSON: half a surrogate pair"),
        ("[" * 100_000, "not JSON: "),
        ('"a\tb"', "not JSON: Invalid control character"),
        ("[1, ]", "not JSON: "),
        ("01", "not JSON: "),
        ("+5", "not JSON: "),
        (".5", "not JSON: "),
        ("5.", "not JSON: "),
        ("'x'", "not JSON: "),
        ("True", "not JSON: "),
        ("0x1F", "not JSON: "),
        ("1 /* one */", "not JSON: "),
    ],
)
def test_what_is_not_json_is_named(text: str, reason: str) -> None:
    problem = json_problem(with_value(text), "clickstream")
    assert problem is not None
    assert problem.startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON: "),
        ("   ", "not JSON: "),
        ("garbage", "not JSON: "),
        ("\ufeff{}", "not JSON: "),
        ('{"a": 1,}', "not JSON: "),
        ('{"a": 1} {"a": 1}', "not JSON: Extra data"),
        ('{"event_id": "a", "event_id": "a"}', "not JSON: duplicate key 'event_id'"),
        ("null", "not JSON object but null"),
        ("17", "not JSON object but integer"),
        ("1.5", "not JSON object but number"),
        ("true", "not JSON object but boolean"),
        ('"text"', "not JSON object but string"),
        ("[{}]", "not JSON object but array"),
    ],
)
def test_a_line_that_is_no_object_is_named(text: str, reason: str) -> None:
    problem = json_problem(text, "clickstream")
    assert problem is not None
    assert problem.startswith(reason)


def test_a_reason_stays_short_whatever_the_line() -> None:
    problem = json_problem(f'{{"{"k" * 5000}": 1, "{"k" * 5000}": 1}}', "clickstream")
    assert problem is not None
    assert len(problem) < 256


@pytest.mark.parametrize(
    ("topic", "field", "value", "reason"),
    [
        ("clickstream", "event_id", 5, "event_id is of type integer, not string"),
        ("clickstream", "url", 5.5, "url is of type number, not string"),
        ("clickstream", "channel", True, "channel is of type boolean, not string"),
        ("clickstream", "sku_id", ["x"], "sku_id is of type array, not string"),
        ("clickstream", "sku_id", {}, "sku_id is of type object, not string"),
        ("sku_availability", "available_qty", "5", "available_qty is of type string, not integer"),
        ("sku_availability", "available_qty", 5.0, "available_qty is of type number, not integer"),
        (
            "sku_availability",
            "available_qty",
            True,
            "available_qty is of type boolean, not integer",
        ),
        ("product_catalog", "size_share", "0.5", "size_share is of type string, not number"),
        ("product_catalog", "is_active", "true", "is_active is of type string, not boolean"),
        ("product_catalog", "is_active", 1, "is_active is of type integer, not boolean"),
    ],
)
def test_another_json_type_than_the_schemas_is_named(
    topic: str, field: str, value: Any, reason: str
) -> None:
    assert json_problem(line(topic, **{field: value}), topic) == reason


@pytest.mark.parametrize("text", ["5e0", "5E0", "5.0", "-5.0"])
def test_an_integer_is_written_without_point_or_exponent(text: str) -> None:
    marked = line("sku_availability", available_qty="MARK").replace('"MARK"', text)
    assert json_problem(marked, "sku_availability") == (
        "available_qty is of type number, not integer"
    )


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize(("topic", "good"), GOOD.items())
def test_null_and_the_empty_text_mean_absent_whatever_the_type(
    topic: str, good: dict[str, Any], absent: Any
) -> None:
    for field in good:
        assert json_problem(line(topic, **{field: absent}), topic) is None


def test_an_integer_is_a_number_too_and_digits_in_quotes_stay_a_text() -> None:
    assert json_problem(line("product_catalog", size_share=1, price=20), "product_catalog") is None
    assert json_problem(line("clickstream", sku_id="12345"), "clickstream") is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0.25", "0." + "25".ljust(36, "0")),
        ("1", "1." + "0" * 36),
        ("1E-1", "0." + "1".ljust(36, "0")),
        ("0.0000005", "0." + "0000005".ljust(36, "0")),
        ("0." + "9" * 60, "0." + "9" * 36),
        ("1e-400", "0." + "1".rjust(36, "0")),
        ("-1e-400", "-0." + "0" * 36),
        ("1e400", "1000000." + "0" * 36),
        ("-1e400", "-1000000." + "0" * 36),
        ("0e5", "0." + "0" * 36),
    ],
)
def test_a_number_comes_back_in_plain_digits_cut_not_rounded(text: str, plain: str) -> None:
    assert json_number(f'{{"size_share": {text}}}', "size_share") == plain


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"size_share": null}',
        '{"size_share": "0.5"}',
        '{"size_share": true}',
        '{"size_share": NaN}',
        '{"nested": {"size_share": 0.5}}',
        "[0.5]",
        "garbage",
        "",
    ],
)
def test_where_there_is_no_number_nothing_comes_back(text: str) -> None:
    assert json_number(text, "size_share") is None
