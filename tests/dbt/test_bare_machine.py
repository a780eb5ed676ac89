"""Beside a DuckDB of the user's own, as another user, and when a folder cannot be written."""

import os
from pathlib import Path

import duckdb
import pytest

from ingestion.extensions import load_extensions
from ingestion.settings import NO_PERMISSION, Settings, SettingsError
from orchestration import cli as commands
from orchestration.warehouse import dbt_runner
from orchestration.warehouse.dbt_runner import Dbt, DbtFailed
from tests.harness.pipeline import Pipeline
from tests.harness.processes import command
from tests.harness.warm import warm_runner


@pytest.mark.long
def test_another_ducklake_in_the_users_home_is_neither_loaded_nor_changed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (own := home / ".duckdb" / "extensions" / f"v{duckdb.__version__}").mkdir(parents=True)
    with duckdb.connect() as conn:
        platform = conn.execute("pragma platform").fetchall()[0][0]
    (own / platform).mkdir()
    for name in ("ducklake", "sqlite_scanner", "httpfs"):
        (own / platform / f"{name}.duckdb_extension").write_text("not of these packages")
    before = sorted(home.rglob("*"))
    shop = Pipeline(tmp_path / "it's a shop é")
    shop.close()
    for arguments in (["load"], ["sql", "select count(*) > 0 as n from audit.settings"]):
        done = command(*arguments, settings=shop.settings, HOME=str(home))
        assert done.returncode == 0, done.stderr
    assert done.stdout == "n\ntrue\n"
    assert sorted(home.rglob("*")) == before


def test_an_extension_that_is_not_installed_is_a_sentence() -> None:
    with duckdb.connect() as conn, pytest.raises(SettingsError, match=r"lacks .* extension spati"):
        load_extensions(conn, "spatial")


def test_a_connection_that_does_not_open_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "file" / "warehouse"))
    with pytest.raises(DbtFailed, match=r"open_connection: .*Not a directory: .*file"):
        Dbt(settings, runner=warm_runner()).connection()


def test_dbt_caches_each_target_apart_and_elsewhere_where_another_user_made_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_runner, "PROJECT", tmp_path)
    own_target = dbt_runner.own_target.__wrapped__
    assert own_target("embedded") == ()
    assert own_target("teradata") == ("--target-path", str(tmp_path / "target" / "teradata"))
    (tmp_path / "target").mkdir()
    (theirs := tmp_path / "target" / "perf_info.json").touch()
    assert own_target("embedded") == ()
    monkeypatch.setattr(os, "access", lambda path, _: path != theirs)
    option, folder = own_target("embedded")
    assert option == "--target-path"
    assert list(Path(folder).iterdir()) == []


def test_a_file_of_another_user_is_a_sentence_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> Settings:
        raise PermissionError(13, "Permission denied", str(tmp_path / "theirs" / "writer.lock"))

    monkeypatch.setattr(commands, "load_settings", refused)
    assert commands.main(["maintain"]) == NO_PERMISSION
    said = capsys.readouterr().err
    assert f"no permission to open or write {tmp_path}/theirs/writer.lock" in said
    assert f"{tmp_path} belongs to {tmp_path.owner()}" in said
    assert "chmod -R a+rwX" in said
