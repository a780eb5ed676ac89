"""Each expectation of the suites both ways, and what a suite may not say."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from expectations.runner import (
    MOST_ROWS,
    Expectation,
    Suite,
    SuiteError,
    read_slice,
    read_suites,
    validate,
)
from ingestion.settings import ROOT
from orchestration.defs.expectation_checks import SPECS, check_result
from orchestration.warehouse.engine_protocol import Result

SUITES = {suite.name: suite for suite in read_suites()}
TABLES = {
    "clickstream": (
        "event_id varchar, channel varchar, event_type varchar, is_human smallint, "
        "visitor_id varchar, session_id varchar, user_agent varchar, sku_id varchar, "
        "fulfilment varchar, store_id varchar, arrived_at timestamp",
        "i, 'web', if(i % 4 = 0, 'purchase', 'product_view'), 1, 'x', 's', 'Firefox', 'S-1', "
        "if(i % 3 = 0, 'pickup', 'ship'), if(i % 3 = 0, 'M1', null), {at}",
    ),
    "stock_changes": (
        "available_qty bigint, location_id varchar, change_reason varchar, arrived_at timestamp",
        "i % 9, i % 3, 'sale', {at}",
    ),
    "catalog": (
        "price double, currency varchar, size_share decimal(7,6), category varchar, "
        "brand varchar, department varchar, arrived_at timestamp",
        "19.9, 'EUR', 0.25, 'Tops', 'Acme', 'Women', {at}",
    ),
    "landed_objects": (
        "status varchar, lines bigint, quarantined bigint, late bigint, audited_at timestamp",
        "'loaded', 100, 0, 1, {at}",
    ),
    "facts": (
        "in_stock_share decimal(7,6), unknown_share decimal(7,6), network_qty bigint, "
        "style_id varchar, view_ts timestamp",
        "0.8, 0.01, i, 's', {at}",
    ),
    "hourly_facts": (
        "views bigint, in_stock_views decimal(18,6), out_of_stock_views decimal(18,6), "
        "unknown_views decimal(18,6), view_hour timestamp",
        "3, 1.5, 1.25, 0.25, {at}",
    ),
}
"""Good data: columns and a row of each suite's table."""
DAMAGE = {
    "channels_are_the_known_ones": "channel = 'fax'",
    "product_views_are_the_bulk": "event_type = 'pdp_view'",
    "most_events_are_of_humans": "is_human = 0",
    "events_have_a_visitor": "visitor_id = null",
    "events_have_a_session": "session_id = null",
    "events_have_a_user_agent": "user_agent = null",
    "bags_name_a_sku": "sku_id = null",
    "pickups_name_a_store": "store_id = null",
    "events_of_a_store_are_pickups": "fulfilment = 'ship'",
    "levels_are_plausible": "available_qty = 100001",
    "some_levels_are_above_zero": "available_qty = 0",
    "many_locations_report": "location_id = 'DC'",
    "changes_have_a_reason": "change_reason = null",
    "products_have_a_brand": "brand = null",
    "products_have_a_department": "department = null",
    "products_have_a_price": "price = null",
    "products_have_a_currency": "currency = null",
    "prices_are_plausible": "price = 99900",
    "size_shares_are_written": "size_share = null",
    "products_have_a_category": "category = null",
    "few_lines_are_quarantined": "quarantined = 3",
    "few_lines_are_late": "late = 6",
    "some_views_are_in_stock": "in_stock_share = 1",
    "little_is_unknown": "unknown_share = 0.2",
    "network_quantities_are_not_negative": "network_qty = -1",
    "views_name_a_style": "style_id = ''",
    "parts_are_the_views": "views = 4",
}
"""What makes each expectation fail."""


def database(suite: Suite, rows: int = 200) -> duckdb.DuckDBPyConnection:
    """The suite's table with good data of the last minutes."""
    columns, values = TABLES[suite.name]
    conn = duckdb.connect()
    schema, table = suite.asset.split("/")
    conn.execute(f"attach ':memory:' as twist; create schema twist.{schema}")
    conn.execute(f"create table twist.{schema}.{table} ({columns})")
    at = "timestamp '2026-11-02 12:00:00' - to_seconds(i)"
    conn.execute(
        f"insert into twist.{schema}.{table} select {values.format(at=at)} "
        f"from range({rows}) as t(i)"
    )
    return conn


def table(suite: Suite) -> str:
    return "twist." + suite.asset.replace("/", ".")


def slice_of(conn: duckdb.DuckDBPyConnection, suite: Suite) -> Any:
    def ask(sql: str) -> Result:
        answer = conn.execute(sql)
        return Result([column[0] for column in answer.description or []], answer.fetchall())

    return read_slice(ask, suite, table(suite))


def test_every_expectation_has_its_damage() -> None:
    assert set(DAMAGE) == {line.name for suite in SUITES.values() for line in suite.expectations}


@pytest.mark.parametrize("name", SUITES)
def test_the_columns_of_the_good_data_are_those_of_the_model(name: str) -> None:
    """Else an expectation would pass here, and fail every run for a column that is not there."""
    folder, model = SUITES[name].asset.split("/")
    described: set[str] = set()
    for path in (ROOT / "dbt_project" / "models" / folder).glob("_*.yml"):
        for each in yaml.safe_load(path.read_text()).get("models", []):
            if each["name"] == model:
                described |= {column["name"] for column in each["columns"]}
    assert {part.split()[0] for part in re.split(r", (?!\d)", TABLES[name][0])} <= described


@pytest.mark.parametrize("name", SUITES)
def test_good_data_passes(name: str) -> None:
    outcomes = validate(SUITES[name], slice_of(database(SUITES[name]), SUITES[name]))
    assert len(outcomes) == len(SUITES[name].expectations)
    assert [check for check, outcome in outcomes.items() if not outcome.passed] == []


@pytest.mark.parametrize(
    ("suite", "line"),
    [(suite, line) for suite in SUITES.values() for line in suite.expectations],
    ids=lambda part: part.name,
)
def test_damaged_data_fails(suite: Suite, line: Expectation) -> None:
    conn = database(suite)
    conn.execute(f"update {table(suite)} set {DAMAGE[line.name]}")
    outcome = validate(suite, slice_of(conn, suite), [line.name])[line.name]
    assert not outcome.passed


@pytest.mark.parametrize(
    ("harmless", "name"),
    [
        ("sku_id = null where event_type = 'product_view'", "bags_name_a_sku"),
        ("event_type = 'product_view', sku_id = null", "bags_name_a_sku"),
        ("fulfilment = 'ship', store_id = null", "pickups_name_a_store"),
        ("fulfilment = 'ship', store_id = null", "events_of_a_store_are_pickups"),
        (
            "sku_id = null, event_type = if(event_id::int < 19, 'purchase', 'product_view')",
            "bags_name_a_sku",
        ),
    ],
)
def test_a_field_is_missed_only_where_it_belongs(harmless: str, name: str) -> None:
    """Views of a style, a shop without bags or pickups, and a few events say nothing."""
    suite = SUITES["clickstream"]
    conn = database(suite)
    conn.execute(f"update {table(suite)} set {harmless}")
    assert validate(suite, slice_of(conn, suite), [name])[name].passed


def test_failed_rows_are_shown_beside_the_check_with_its_severity() -> None:
    suite = SUITES["clickstream"]
    conn = database(suite)
    conn.execute(f"update {table(suite)} set channel = 'fax' where event_id::int < 50")
    frame = slice_of(conn, suite)
    outcome = validate(suite, frame, ["channels_are_the_known_ones"])
    spec = SPECS[
        dg.AssetCheckKey(
            dg.AssetKey(["staging", "stg_clickstream__events"]), "channels_are_the_known_ones"
        )
    ]
    result = check_result(spec, outcome["channels_are_the_known_ones"])
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == f"{spec.description} Found: 50 of 200 rows."
    metadata: dict[str, Any] = dict(result.metadata or {})
    assert (metadata["unexpected"].value, metadata["unexpected percent"].value) == (50, 25.0)
    shown = metadata["failed rows"].value.splitlines()
    assert shown[0].startswith("| event_id | channel |")
    assert len(shown) == 2 + 20
    assert "fax" in shown[2]


def test_critical_expectations_block_and_warnings_do_not() -> None:
    severities = {line.name: line.severity for s in SUITES.values() for line in s.expectations}
    assert {key.name: spec.blocking for key, spec in SPECS.items()} == {
        name: severity == "critical" for name, severity in severities.items()
    }


def test_the_slice_is_the_newest_hours_and_bounded() -> None:
    suite = SUITES["facts"]
    conn = database(suite, rows=8000)
    assert len(slice_of(conn, suite)) == 3600
    assert f"<= {MOST_ROWS}" in suite.sql(table(suite))


def test_few_rows_say_nothing() -> None:
    suite = SUITES["facts"]
    conn = database(suite, rows=49)
    conn.execute(f"update {table(suite)} set unknown_share = 1")
    outcomes = validate(suite, slice_of(conn, suite))
    assert all(outcome.passed for outcome in outcomes.values())
    assert outcomes["little_is_unknown"].observed == "49 rows are too few to validate"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"type": "ExpectNothing"}, "no attribute 'ExpectNothing'"),
        ({"kwargs": {"column": "gone", "max_value": 1}}, 'column "gone"'),
        ({"kwargs": {"colum": "views"}}, "little_is_unknown cannot be computed"),
        ({"kwargs": {"column": "style_id", "max_value": 1}}, "little_is_unknown cannot be"),
    ],
)
def test_a_broken_expectation_is_an_error_and_no_failure_of_the_data(
    change: dict[str, Any], cause: str
) -> None:
    suite = SUITES["facts"]
    (line,) = [line for line in suite.expectations if line.name == "little_is_unknown"]
    broken = dataclasses.replace(suite, expectations=(dataclasses.replace(line, **change),))
    with pytest.raises(SuiteError, match=r"facts\.yaml: little_is_unknown") as raised:
        validate(broken, slice_of(database(suite), suite))
    assert cause in str(raised.value)


GOOD = "asset: a/b\nnewest: t\nhours: 1\nexpectations:\n"
LINE = "  - {name: n, type: T, kwargs: {}, severity: warning, why: w}\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("asset: [", "is no suite"),
        ("asset: a/b\n", "is no suite: 'expectations'"),
        (GOOD + "  - {name: n}\n", "missing 4 required"),
        (GOOD.replace("hours", "hour") + LINE, "unexpected keyword argument 'hour'"),
        (GOOD + LINE + LINE, "name occurs twice"),
        (GOOD + LINE.replace("warning", "info"), "n is info, not critical or warning"),
    ],
)
def test_a_wrong_suite_is_a_sentence(text: str, cause: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(GOOD + LINE)
    assert len(read_suites(tmp_path)) == 1
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(SuiteError, match=cause):
        read_suites(tmp_path)


def test_the_readme_names_every_suite() -> None:
    readme = (ROOT / "expectations" / "README.md").read_text()
    assert [name for name in SUITES if f"`{name}`" not in readme] == []
