"""A history lake that others can write to: its manifests lead nowhere, and damage is found."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import DAMAGED
from orchestration.cli import main
from orchestration.history import export, manifests
from orchestration.history.export import damaged_days, days_to_export, export_all, export_day
from orchestration.history.manifests import HistoryDamaged, read_manifest
from orchestration.history.restore import restore_day, verify_day
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import DAY, free

D = DAY.date()
FACT = ("tables", "fct_twist")


@pytest.fixture
def history(closed: Pipeline) -> Path:
    export_day(free(closed), D)
    return Path(closed.settings.history_root)


def edit(history: Path, *path: str, value: Any) -> None:
    """Set a value in the day's manifest."""
    file = history / "manifests" / f"{D}.json"
    content = json.loads(file.read_text())
    inner = content
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    file.write_text(json.dumps(content))


ELSEWHERE: list[tuple[tuple[str, ...], Any]] = [
    ((*FACT, "files"), ["/etc/hostname"]),
    ((*FACT, "files"), [f"fct_twist/view_date={D}/../../../x.parquet"]),
    ((*FACT, "files"), [f"stock_daily/stock_date={D}/x.parquet"]),
    ((*FACT, "files"), ["fct_twist/view_date=2026-11-01/x.parquet"]),
    ((*FACT, "files"), [f"fct_twist/view_date={D}/x'); select 1; --.parquet"]),
    ((*FACT, "columns"), {'a" from x': "BIGINT"}),
    ((*FACT, "sums"), {"in_stock_share": "1); delete"}),
    (("tables", "dim_sku"), {}),
    (("day",), "2026-11-03"),
]


def test_a_manifest_that_leads_elsewhere_is_refused_before_anything_is_read(
    closed: Pipeline, history: Path
) -> None:
    file = history / "manifests" / f"{D}.json"
    whole = file.read_text()
    for path, value in ELSEWHERE:
        edit(history, *path, value=value)
        with pytest.raises(HistoryDamaged, match=r"manifest .* is damaged: .*make export VERIFY=1"):
            restore_day(closed.settings, closed.dbt, D)
        file.write_text(whole)


def test_a_manifest_cut_short_is_a_sentence_and_the_export_replaces_it(
    closed: Pipeline, history: Path
) -> None:
    file = history / "manifests" / f"{D}.json"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(HistoryDamaged, match="it is no JSON"):
        read_manifest(closed.settings, D)
    assert list(export_all(closed.settings, lambda _: None)) == [D]
    assert verify_day(closed.settings, D)


def test_nothing_is_written_or_deleted_behind_a_link(
    closed: Pipeline, history: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "mine.parquet").write_text("mine")
    folder = history / "fct_twist" / f"view_date={D}"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.symlink_to(precious)
    with pytest.raises(HistoryDamaged, match="leads to another place by a link"):
        export_day(closed.settings, D)
    assert [path.name for path in precious.iterdir()] == ["mine.parquet"]


def damage(history: Path, how: str) -> None:
    (path,) = (history / "fct_twist").rglob("*.parquet")
    whole = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "cut":
        path.write_bytes(whole[:-9])
    else:
        path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])


@pytest.mark.parametrize(
    "how", ["deleted", *(pytest.param(how, marks=pytest.mark.long) for how in ("cut", "flipped"))]
)
def test_an_export_finds_damage_and_exports_the_day_again(
    closed: Pipeline, history: Path, how: str
) -> None:
    assert days_to_export(closed.settings) == {}
    assert days_to_export(closed.settings, wholly=True) == {}
    damage(history, how)
    # A changed file is told by its size, or by its time and then its checksum; all else wholly.
    wholly = how == "flipped"
    assert list(export_all(closed.settings, lambda _: None, wholly=wholly)) == [D]
    assert damaged_days(closed.settings) == damaged_days(closed.settings, wholly=True) == {}


def test_a_damaged_day_that_the_warehouse_no_longer_has_is_named(
    closed: Pipeline, history: Path
) -> None:
    gone = date(2025, 1, 1)
    (history / "manifests" / f"{gone}.json").write_text("{}")
    found = damaged_days(closed.settings)
    assert list(found) == [gone]
    assert f"{gone}.json is damaged" in found[gone]


@pytest.mark.parametrize(("how", "state"), [("deleted", "is missing"), ("cut", "bytes, not ")])
def test_every_export_names_damage_of_a_day_that_only_the_history_lake_holds(
    closed: Pipeline, history: Path, monkeypatch: pytest.MonkeyPatch, how: str, state: str
) -> None:
    monkeypatch.setattr(export, "closed_days", lambda _: {})
    monkeypatch.setattr(manifests, "stored", lambda *_: pytest.fail("it reads files"))
    assert damaged_days(closed.settings) == {}
    damage(history, how)
    assert list(export_all(closed.settings, lambda _: None)) == []
    ((day, why),) = damaged_days(closed.settings).items()
    assert day == D
    assert state in why
    assert "restore the history lake's files from a backup" in why
    monkeypatch.setenv("TWIST_WAREHOUSE", closed.settings.warehouse)
    monkeypatch.setenv("TWIST_HISTORY", closed.settings.history)
    assert main(["export"]) == DAMAGED
