"""What the commands print, without a warehouse."""

import io
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.extensions import load_extensions
from ingestion.settings import DAMAGED, REFUSED, Settings
from orchestration import cli as commands
from orchestration import dagster_ui
from orchestration.cli import main
from orchestration.demo import demo_settings, table
from orchestration.warehouse import loaded_by
from orchestration.warehouse.attach import (
    WarehouseDamaged,
    attach_warehouse,
    catalog_of,
    refuse_lost_catalog,
)
from orchestration.warehouse.csv_writer import write_csv
from orchestration.warehouse.dbt_runner import environment, in_environment
from orchestration.warehouse.load_report import LoadReport


def test_csv_has_a_header_and_an_empty_field_for_null() -> None:
    out = io.StringIO()
    write_csv(
        duckdb.connect(),
        "select 1 as a, null as b, 'x,\"y' as c, true as d, 0.500000::decimal(7,6) as e, "
        "timestamp '2026-11-01 10:00:00' as f",
        out,
    )
    assert out.getvalue() == ('a,b,c,d,e,f\n1,,"x,""y",true,0.500000,2026-11-01 10:00:00\n')


def test_csv_of_an_empty_answer_is_its_header() -> None:
    out = io.StringIO()
    write_csv(duckdb.connect(), "select 1 as a where false", out)
    assert out.getvalue() == "a\n"


def test_a_load_says_in_one_line_what_it_did() -> None:
    report = LoadReport(3, 1200, 1000, 150, 30, 20, 0, datetime(2026, 11, 1, 23, 59), 4.25, ())
    assert str(report) == (
        "3 objects, 1,200 lines: 1,000 loaded, 150 duplicates, 30 late, 20 quarantined; "
        "newest event 2026-11-01 23:59:00Z; 4.2 s"
    )


def test_a_table_aligns_numbers_to_the_right_and_names_what_is_not_there() -> None:
    assert table(["sku", "lost"], [("00123", Decimal("1234.5")), (None, Decimal("1.0"))]) == (
        "sku       lost\n"  #
        "00123  1,234.5\n"
        "–          1.0"
    )
    assert table(["sku"], []) == "(none)"


def test_what_is_shown_is_the_demo_only_while_there_is_no_warehouse_of_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: set[str] = {"demo"}

    def has(settings: Settings) -> bool:
        place = "demo" if "demo" in settings.warehouse else "own"
        return settings.target == "teradata" or place in there

    monkeypatch.setattr(commands, "has_warehouse", has)
    monkeypatch.setattr(commands, "load_settings", lambda: Settings(_env_file=None))
    assert "demo" in commands._shown_settings().warehouse
    there.add("own")
    assert "demo" not in commands._shown_settings().warehouse
    there.remove("own")
    teradata = Settings(_env_file=None, target="teradata")
    monkeypatch.setattr(commands, "load_settings", lambda: teradata)
    assert commands._shown_settings() is teradata


def test_dagster_gets_the_history_lake_as_it_is_named(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, history="s3://bucket/history")
    assert dagster_ui._variables(settings, tmp_path)["TWIST_HISTORY"] == "s3://bucket/history"


def test_the_demo_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIST_WAREHOUSE", "/somewhere/else")
    monkeypatch.setenv("TWIST_LATE_DAYS", "9")
    settings = demo_settings("otto")
    assert settings.warehouse_root.parts[-3:] == ("demo", "otto", "warehouse")
    assert settings.late_days == 3


def test_an_unknown_command_says_where_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["laod"]) == 2
    assert "--help" in capsys.readouterr().err


def test_a_dbt_run_of_ours_takes_nothing_of_dbts_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBT_EMPTY", "true")
    monkeypatch.setenv("DBT_TARGET", "nonsense")
    own = environment(Settings(_env_file=None))
    with in_environment(own):
        assert {name for name in os.environ if name.startswith("DBT_")} <= set(own)
    assert os.environ["DBT_EMPTY"] == "true"
    assert "DBT_TARGET" not in dagster_ui._variables(Settings(_env_file=None), Path("home"))


def test_a_lost_catalog_is_no_new_warehouse_where_its_data_are_in_s3(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, target="s3", warehouse=str(tmp_path), warehouse_data="s3://lake/warehouse"
    )
    refuse_lost_catalog(settings)
    loaded_by.note(settings, 1)
    with pytest.raises(WarehouseDamaged, match="is gone, and the data in s3://lake/warehouse are"):
        refuse_lost_catalog(settings)
    (tmp_path / "catalog.sqlite").write_bytes(b"any")
    refuse_lost_catalog(settings)


@pytest.mark.parametrize("command", [["load"], ["sql", "select 1"], ["maintain"]])
def test_an_empty_catalog_beside_data_is_no_new_warehouse(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "w" / "data").mkdir(parents=True)
    (tmp_path / "w" / "data" / "a.parquet").write_bytes(b"any")
    (tmp_path / "w" / "catalog.sqlite").touch()
    monkeypatch.setenv("TWIST_LANDING", str(tmp_path / "landing"))
    monkeypatch.setenv("TWIST_WAREHOUSE", str(tmp_path / "w"))
    assert main(command) == DAMAGED
    (line,) = capsys.readouterr().err.splitlines()
    assert f"the catalog {tmp_path}/w/catalog.sqlite is empty, and the data in " in line
    assert "run `make rebuild`" in line
    assert (tmp_path / "w" / "catalog.sqlite").stat().st_size == 0


def test_a_catalog_of_another_version_of_ducklake_is_a_sentence_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path))
    with duckdb.connect() as conn:
        attach_warehouse(conn, settings)
        conn.execute("create schema twist.marts")
    with duckdb.connect() as conn:
        load_extensions(conn, "sqlite")
        conn.execute(f"attach '{catalog_of(settings)}' as catalog (type sqlite)")
        conn.execute("update catalog.ducklake_metadata set value = '99.0' where key = 'version'")
    monkeypatch.setenv("TWIST_WAREHOUSE", str(tmp_path))
    assert main(["sql", "select 1"]) == DAMAGED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("twist: the catalog was written by another version of DuckLake: ")
    assert "99.0" in line
    assert "run `make setup` for the versions of this checkout, or `make rebuild`" in line


@pytest.mark.parametrize("debug", ["", "0", "1"])
def test_the_traceback_is_shown_where_it_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debug: str,
) -> None:
    monkeypatch.setenv("TWIST_WAREHOUSE", str(tmp_path / "none"))
    monkeypatch.setenv("TWIST_DEBUG", debug)
    assert main(["maintain"]) == REFUSED
    said = capsys.readouterr().err
    assert ("Traceback (most recent call last)" in said) == (debug == "1")
    assert said.splitlines()[-1].startswith("twist: there is no warehouse in ")
