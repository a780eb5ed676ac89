"""`make diff`: what a change does to the marts."""

import subprocess
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import SettingsError
from orchestration import marts_diff
from orchestration.marts_diff import Mart, compare
from tests.harness.checkout import TWIST, Checkout

HOURLY = Mart("hourly", ("hour", "sku_id"))


@pytest.fixture
def conn() -> duckdb.DuckDBPyConnection:
    conn = duckdb.connect()
    for name in ("ours", "theirs"):
        conn.execute(f"attach ':memory:' as {name}; create schema {name}.marts")
        conn.execute(
            f"create table {name}.marts.hourly "
            "(hour int, sku_id varchar, views bigint, rate decimal(7, 6), load_id bigint)"
        )
    return conn


def test_rows_are_added_removed_or_changed_by_their_key(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute(
        "insert into theirs.marts.hourly values "
        "(1, 'a', 5, 0.5, 1), (1, 'b', 7, null, 1), (2, 'a', 9, 1, 1), (2, null, 2, 1, 1)"
    )
    conn.execute(
        "insert into ours.marts.hourly values "
        "(1, 'a', 5, 0.5, 8), (1, 'b', 1007, 0.25, 8), (3, 'a', 9, 1, 8), (2, null, 2, 1, 8)"
    )
    (found,) = compare(conn, [HOURLY])
    assert (found.rows, found.added, found.removed, found.changed) == (4, 1, 1, 1)
    assert found.largest == ("views 7 -> 1,007 at 1, b", "rate null -> 0.250000 at 1, b")


def test_the_largest_changes_come_first_and_are_few(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("insert into theirs.marts.hourly select i, 'a', 0, 0, 1 from range(9) r(i)")
    conn.execute("insert into ours.marts.hourly select i, 'a', i, 0, 1 from range(9) r(i)")
    (found,) = compare(conn, [HOURLY])
    assert found.changed == 8
    assert [line.split(" at ")[1][0] for line in found.largest] == ["8", "7", "6", "5", "4"]


def test_new_columns_and_new_tables_are_named_and_equal_tables_have_no_change(
    conn: duckdb.DuckDBPyConnection,
) -> None:
    conn.execute(
        "create table ours.marts.fresh (sku_id varchar); insert into ours.marts.fresh values ('a')"
    )
    conn.execute("alter table ours.marts.hourly add column brand varchar")
    conn.execute("alter table ours.marts.hourly drop column rate")
    hourly, fresh = compare(conn, [HOURLY, Mart("fresh", ("sku_id",))])
    assert (hourly.columns, hourly.changed, hourly.largest) == (("+ brand", "- rate"), 0, ())
    assert (fresh.rows, fresh.added, fresh.columns) == (1, 1, ("a new table",))


@pytest.mark.parametrize("ref", ["no-such-branch", "--output=/tmp/x"])
def test_a_revision_that_git_does_not_know_is_an_error_with_the_cure(
    ref: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marts_diff, "FOLDER", tmp_path)
    with pytest.raises(SettingsError, match="a branch, a tag or a commit"):
        marts_diff.diff(ref, tmp_path, lambda _: None)


@pytest.mark.long
def test_a_changed_rule_shows_in_the_marts_that_follow_from_it(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path)
    for command in (
        ("init", "--quiet"),
        ("add", "ingestion", "orchestration", "dbt_project"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "before"),
    ):
        subprocess.run(("git", *command), cwd=tmp_path, check=True)
    checkout.edit(
        "dbt_project/models/marts/fct_lost_demand_hourly.sql",
        "intervals.in_stock = 0 and",
        "intervals.in_stock = 1 and",
    )
    answer = checkout.run(*TWIST, "diff", "--ref", "HEAD", "--landing", "landing")
    changed = {line.split()[0]: line.split()[2:] for line in answer.splitlines() if "  " in line}
    assert changed["fct_twist"] == ["0", "0", "0"]
    assert changed["fct_lost_demand_hourly"] != ["0", "0", "0"]
