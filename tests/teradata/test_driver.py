"""The stand-in has what dbt-teradata looks at in its driver, and behaves as a driver does."""

import ast
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.teradata import emulator
from tests.teradata.emulator import Fault, driver

ON_UPGRADE = """
dbt-teradata has changed. Before this pin is moved, read what changed in
  connections.py            the arguments of connect, what is read of a cursor, the query band
  macros/adapters.sql       create_table_as (two requests), rename, list_relations, columns
  macros/materializations   the order of requests in incremental, table, view, seed; hooks
and run the long tests: the faults at every request, and the planted ones.
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[emulator.System]:
    made = emulator.System(["twist_load"], tmp_path)
    emulator.use(made)
    yield made
    driver.system = None


@pytest.fixture
def cursor(system: emulator.System) -> Any:
    return driver.connect(host="x", user="y", password="z", tmode="ANSI").cursor()


def adapters_source() -> Iterator[ast.AST]:
    """Every node of the installed adapter's Python."""
    spec = importlib.util.find_spec("dbt.adapters")
    assert spec and spec.submodule_search_locations
    folders = [Path(f) / "teradata" for f in spec.submodule_search_locations]
    files = [file for folder in folders for file in folder.glob("*.py")]
    assert len(files) > 4
    for file in files:
        yield from ast.walk(ast.parse(file.read_text()))


def test_every_name_that_the_adapter_uses_is_there() -> None:
    used = {
        node.attr
        for node in adapters_source()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "teradatasql"
    }
    assert used == {"connect", "Error", "DatabaseError", "OperationalError"}
    assert all(hasattr(driver, name) for name in used)


@pytest.mark.parametrize(("variable", "made"), [("cursor", "cursor"), ("cur", "cursor")])
def test_every_attribute_of_a_cursor_that_the_adapter_uses_is_there(
    variable: str, made: str, cursor: Any
) -> None:
    used = {
        node.attr
        for node in adapters_source()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == variable
    }
    assert used
    assert {name for name in used if not hasattr(cursor, name)} == set()


def test_the_adapters_version_is_pinned() -> None:
    assert importlib.metadata.version("dbt-teradata") == "1.12.0", ON_UPGRADE


def test_only_ansi_sessions_are_opened(system: emulator.System) -> None:
    with pytest.raises(driver.OperationalError, match="ANSI"):
        driver.connect(host="x", tmode="TERA")


def test_a_request_is_done_as_a_whole_or_not_at_all(cursor: Any) -> None:
    cursor.execute("create multiset table twist_load.t (a bigint) primary index (a)")
    with pytest.raises(driver.DatabaseError, match="Error 2620"):
        cursor.execute(
            "insert into twist_load.t select cast(1 as bigint) as a;"
            "insert into twist_load.t select cast('x' as bigint) as a"
        )
    assert cursor.execute("select count(*) as n from twist_load.t").fetchall() == [(0,)]


def test_update_from_changes_the_table_that_its_from_names(cursor: Any) -> None:
    cursor.execute("create multiset table twist_load.t (a bigint, n bigint) primary index (a)")
    for number in (1, 2):
        cursor.execute(f"insert into twist_load.t select {number} as a, cast(5 as bigint) as n")
    cursor.execute(
        "update k from twist_load.t as k, (select a, a + 1 as more from twist_load.t where a = 2) "
        "as f set n = k.n + f.more where k.a = f.a"
    )
    found = cursor.execute("select a, n from twist_load.t order by a").fetchall()
    assert found == [(1, 5), (2, 8)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("create multiset table twist_load.a (a bigint) primary index (a); select 1 as x", 3722),
        ("select a from twist_load.missing", 3807),
        ("select a from nowhere.missing", 3802),
        ("select 1 as x limit 1", 3706),
        ("create database twist_more as permanent = 60e6", 3524),
        ("create multiset table twist_load.t (a bigint) primary index (a)", 3803),
        ("create multiset table twist_load.b (a bigint) primary index (b)", 3515),
        ("create multiset table twist_load.b (a bigint, a bigint) primary index (a)", 3515),
        ("create multiset table twist_load.b (a varchar(40000) character set unicode)", 3738),
        ("insert into twist_load.t (b) select cast('too long' as varchar(3)) as b", 3996),
        ("insert into twist_load.t (b) select 'four' as b", 3996),
        ("merge into twist_load.t as d using twist_load.t as s on d.b = s.b "
         "when matched then update set n = s.n", 5758),
        ("merge into twist_load.t as d using twist_load.t as s on d.a = s.a and d.d = s.d "
         "when matched then update set a = s.a", 5977),
        ("merge into twist_load.t as d using (select 1 as a, date '2026-01-01' as d union all "
         "select 1 as a, date '2026-01-01' as d from twist_load.t) as s on d.a = s.a and d.d = s.d "
         "when matched then update set n = s.a", 7547),
        ("update k from twist_load.t as k, (select 1 as a union all select 1 as a from "
         "twist_load.t) as f set n = f.a where k.a = f.a", 7547),
        ("select timestamp '2026-01-01 00:00:00' - timestamp '2026-01-01 00:00:00' as x", 5407),
        ("select nosuchfunction(1) as x", 5589),
        ("collect statistics column (nope) on twist_load.t", 5628),
        ("drop view twist_load.t", 3854),
        ("help table twist_load.t", 3706),
        ("", 3707),
    ],
)  # fmt: skip
def test_what_a_teradata_refuses_is_refused(sql: str, code: int, cursor: Any) -> None:
    cursor.execute(
        "create multiset table twist_load.t (a bigint, d date, n bigint, "
        "b varchar(3) character set unicode) primary index (a) partition by range_n "
        "(d between date '2020-01-01' and date '2029-12-31' each interval '1' day)"
    )
    cursor.execute(
        "insert into twist_load.t select cast(1 as bigint) as a, date '2026-01-01' as d, "
        "cast(1 as bigint) as n, 'abc' as b"
    )
    with pytest.raises(driver.DatabaseError, match=f"Error {code}"):
        cursor.execute(sql)


TEXT = "varchar(32000) character set unicode"
NOW = "timestamp '2026-01-01 00:00:00'"


@pytest.mark.parametrize(
    ("wrong", "code", "right"),
    [
        (f"cast({NOW} as varchar(30) character set unicode)", 3706,
         "cast(cast(7 as bigint) as varchar(20) character set unicode)"),
        ("cast(date '2026-01-01' as varchar(30) character set unicode)", 3706, "date '2026-01-01'"),
        ("cast(cast(0.5 as decimal(7, 6)) as varchar(20) character set unicode)", 3706,
         "cast(cast('0.5' as decimal(7, 6)) as bigint)"),
        ("cast(cast(1 as decimal(18, 0)) / 1000000.0 as decimal(18, 6))", 3706,
         "cast(cast(1 as double precision) / 1000000.0 as decimal(18, 6))"),
        ("case when cast(d as timestamp(6)) > d then 1 else 0 end", 3706,
         "case when cast(d as timestamp(6)) > cast(d as timestamp(6)) then 1 else 0 end"),
        ("case when cast(d as timestamp(6)) in (date '2026-01-01') then 1 else 0 end", 3706,
         "case when d in (date '2026-01-01') then 1 else 0 end"),
        (f"character_length(cast('a' as {TEXT}) || 'b')", 3798,
         "character_length(cast('a' as varchar(31999) character set unicode) || 'b')"),
        (f"regexp_substr(cast(lpad('x', 8001, 'x') as {TEXT}), 'x+', 1, 1, 'c')", 9134,
         f"regexp_substr(cast(lpad('x', 8000, 'x') as {TEXT}), 'x+', 1, 1, 'c')"),
        ("cast('😀' as varchar(1) character set unicode)", 3996,
         "cast('😀' as varchar(2) character set unicode)"),
        ("'a' || cast(7 as bigint)", 3706,
         "'a' || cast(cast(7 as bigint) as varchar(20) character set unicode)"),
        (f"(select max(u.d) from (select d from twist_load.t union all select {NOW} from "
         "twist_load.t) as u)", 3706,
         f"(select max(u.d) from (select {NOW} as d from twist_load.t union all select "
         "cast(d as timestamp(6)) from twist_load.t) as u)"),
        ("(select max(u.a) from (select t.*, t.a from twist_load.t as t) as u)", 3515,
         "(select max(u.a) from (select t.*, t.a as b from twist_load.t as t) as u)"),
    ],
)  # fmt: skip
def test_an_expression_that_means_something_else_there_is_refused_and_its_like_is_not(
    wrong: str, code: int, right: str, cursor: Any
) -> None:
    cursor.execute("create multiset table twist_load.t (a bigint, d date) primary index (a)")
    cursor.execute("insert into twist_load.t select cast(1 as bigint) as a, date '2026-01-01' as d")
    cursor.execute("set session character set unicode pass through on")
    with pytest.raises(driver.DatabaseError, match=f"Error {code}"):
        cursor.execute(f"select {wrong} as x from twist_load.t")
    assert len(cursor.execute(f"select {right} as x from twist_load.t").fetchall()) == 1


def test_characters_count_in_units_of_utf_16(cursor: Any) -> None:
    cursor.execute("set session character set unicode pass through on")
    sql = "select character_length('a😀b') as n, substring('a😀b' from 1 for 2) as x, "
    sql += "substring('a😀b' from 4) as y"
    assert cursor.execute(sql).fetchall() == [(4, "a", "b")]


def test_a_day_outside_the_partitions_is_refused_and_one_inside_is_not(cursor: Any) -> None:
    cursor.execute(
        "create multiset table twist_load.t (a bigint, d date) primary index (a) partition by "
        "range_n (d between date '2020-01-01' and date '2029-12-31' each interval '1' day)"
    )
    insert = "insert into twist_load.t select cast(1 as bigint) as a, date '{}-01-01' as d"
    cursor.execute(insert.format(2026))
    with pytest.raises(driver.DatabaseError, match="Error 5728"):
        cursor.execute(insert.format(2031))


def test_a_fault_strikes_once_and_a_lost_connection_stays_lost(
    system: emulator.System, cursor: Any
) -> None:
    system.fault = Fault(2646, nth=1)
    cursor.execute("select 1 as x")
    with pytest.raises(driver.OperationalError, match="Error 2646"):
        cursor.execute("select 2 as x")
    assert cursor.execute("select 3 as x").fetchall() == [(3,)]
    system.fault = Fault(804, loses_connection=True)
    for _ in range(2):
        with pytest.raises(driver.OperationalError, match="Error 804"):
            cursor.execute("select 4 as x")
    assert driver.connect(tmode="ANSI").cursor().execute("select 5 as x").fetchone() == (5,)
