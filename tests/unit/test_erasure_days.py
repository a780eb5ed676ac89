"""Which files of the history lake an erasure deletes: never those that an export is writing."""

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.settings import Settings
from orchestration.erasure import days
from orchestration.erasure.days import TABLE, Whose, rewrite
from orchestration.history import manifests
from orchestration.history.manifests import HistoryDamaged

DAY = date(2026, 11, 2)
FOLDER = f"{TABLE}/view_date={DAY}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A history lake of one day, in which `ann` has a view."""
    found = Settings(
        _env_file=None, history=str(tmp_path / "history"), warehouse=str(tmp_path / "w")
    )
    found.warehouse_root.mkdir()
    path = Path(found.history_root) / FOLDER / "first.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as conn:
        rows = "select unnest(['ann', 'bob']) as visitor_id, 's' as session_id, 1::bigint as views"
        conn.execute(f"copy ({rows}) to '{path}' (format parquet)")
        content = manifests.content_of(conn, rows)
    manifests.write_manifest(found, DAY, 1, {TABLE: (content, [f"{FOLDER}/first.parquet"])})
    return found


def left(settings: Settings) -> list[str]:
    folder = Path(settings.history_root) / FOLDER
    return sorted(each.name for each in folder.iterdir())


def plant(settings: Settings, name: str, age: timedelta) -> None:
    path = Path(settings.history_root) / FOLDER / name
    path.write_bytes(b"by an export")
    stamp = path.stat().st_mtime - age.total_seconds()
    os.utime(path, (stamp, stamp))


def test_a_file_that_no_manifest_names_is_deleted_when_no_export_can_be_writing_it(
    settings: Settings,
) -> None:
    for name in ("now.parquet", "now.parquet#1"):
        plant(settings, name, timedelta(minutes=50))
    for name in ("killed.parquet", "killed.parquet#1"):
        plant(settings, name, timedelta(minutes=70))
    assert rewrite(settings, Whose(visitors=["nobody"])).days == 0
    assert left(settings) == ["first.parquet", "now.parquet", "now.parquet#1"]


@pytest.mark.parametrize("point", ["nowhere", "replace_manifest", "delete"])
def test_a_file_that_was_rewritten_is_deleted_at_once_also_after_a_kill(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    module: Any = days if point == "delete" else manifests
    if point != "nowhere":
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            step = getattr(module, point)

            def ends(*args: Any) -> None:
                if point == "replace_manifest":
                    step(*args)
                raise KeyboardInterrupt

            patched.setattr(module, point, ends)
            rewrite(settings, Whose(visitors=["ann"]))
        assert "first.parquet" in left(settings)
    rewrite(settings, Whose(visitors=["ann"]))
    (name,) = left(settings)
    (file,) = duckdb.sql(
        f"select count(visitor_id) from '{settings.history_root}/{FOLDER}/{name}'"
    ).fetchall()
    assert (name != "first.parquet", file) == (True, (1,))
    assert not list(settings.warehouse_root.iterdir())


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing", r"first\.parquet in .* cannot be read: .*No files found"),
        ("cut", r"first\.parquet in .* cannot be read: "),
        ("manifest", r"manifest .*2026-11-02\.json is damaged: it is no JSON"),
    ],
)
def test_a_damaged_day_is_named_and_left_as_it_is_and_the_others_are_rewritten(
    settings: Settings, how: str, why: str
) -> None:
    damaged = Path(settings.history_root) / FOLDER / "first.parquet"
    manifest = Path(settings.history_root) / "manifests" / f"{DAY}.json"
    another = DAY + timedelta(days=1)
    whole = Path(settings.history_root) / f"{TABLE}/view_date={another}" / "first.parquet"
    whole.parent.mkdir()
    whole.write_bytes(damaged.read_bytes())
    with duckdb.connect() as conn:
        content = manifests.content_of(conn, f"select * from '{whole}'")
    files = [str(whole.relative_to(settings.history_root))]
    manifests.write_manifest(settings, another, 1, {TABLE: (content, files)})
    plant(settings, "kept.parquet", timedelta(hours=2))
    if how == "missing":
        damaged.unlink()
    elif how == "cut":
        damaged.write_bytes(damaged.read_bytes()[:-9])
    else:
        manifest.write_text("{")
    done = rewrite(settings, Whose(visitors=["ann"]))
    assert done.days == 1
    assert not whole.exists()
    assert "kept.parquet" in left(settings), "it may be what the damaged manifest names"
    assert list(done.damaged) == [DAY]
    with pytest.raises(HistoryDamaged, match=rf"^1 days .*: .*{why}.*make export VERIFY=1"):
        done.refuse_damaged()


def test_a_full_disk_is_no_damage_of_a_day(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(manifests, "content_of", full)
    with pytest.raises(duckdb.IOException):
        rewrite(settings, Whose(visitors=["ann"]))
