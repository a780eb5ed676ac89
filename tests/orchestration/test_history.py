"""Closed days in the history lake: whole or not at all, and back in the warehouse as they were."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.erasure import registry
from orchestration.history import duckdb_files, manifests
from orchestration.history.export import closed_days, days_to_export, export_all, export_day
from orchestration.history.manifests import TABLES, HistoryError, read_manifest, rows_of
from orchestration.history.restore import restore_day, verify_day
from orchestration.warehouse.engines import engine_of
from tests.harness.minute_lines import landed, stock, view
from tests.harness.pipeline import Pipeline
from tests.orchestration.conftest import AFTER, AT, DAY, free

D = DAY.date()


def rows(shop: Pipeline) -> dict[str, list[tuple[Any, ...]]]:
    """The day's published rows."""
    return {
        table: shop.query(
            f"select * exclude ({'load_id' if table != 'stock_daily' else 'stock_date'}) "
            f"from twist.marts.{table} where {column} >= date '{D}' and {column} < date '{D}' + 1 "
            "order by all"
        )
        for table, column in TABLES.items()
    }


def files(shop: Pipeline) -> set[Path]:
    return set(Path(shop.settings.history_root).rglob("*.parquet"))


def restored_elsewhere(shop: Pipeline, root: Path) -> Pipeline:
    """A new warehouse that has got the exported day, and nothing else."""
    export_day(free(shop), D)
    made = Pipeline(root, slack_hours=2)
    made.settings = made.settings.model_copy(update={"history": str(shop.settings.history_root)})
    made.dbt.settings = made.settings
    restore_day(made.settings, made.dbt, D)
    return made


def test_a_day_closes_when_arrivals_past_it_are_loaded_and_not_a_minute_before(
    shop: Pipeline, closed: Pipeline
) -> None:
    early = AFTER - timedelta(minutes=2)
    shop.deliver(landed(early, view(AFTER, "Z"), stock(early, "Z")))
    shop.load()
    assert closed_days(free(shop)) == {}, "stock changes of that day may still come"
    with pytest.raises(HistoryError, match="is not closed"):
        export_day(shop.settings, D)
    assert list(closed_days(free(closed))) == [D]


def test_an_exported_day_reads_back_and_is_not_due_again(closed: Pipeline) -> None:
    settings = free(closed)
    found = export_day(settings, D)
    assert (found["fct_twist"].rows, found["fct_twist"].sums["in_stock_share"]) == (2, "1.000000")
    assert set(verify_day(settings, D)) == set(TABLES)
    assert days_to_export(settings) == {}
    manifest = read_manifest(settings, D)
    assert manifest
    entry = manifest["tables"]["fct_twist"]
    assert (Path(settings.history_root) / entry["files"][0]).exists()
    assert entry["columns"]["in_stock_share"] == "DECIMAL(7,6)"


@pytest.mark.long
def test_a_replayed_event_exports_the_day_again_and_the_old_files_go(closed: Pipeline) -> None:
    from orchestration.warehouse.replay_late import replay_late

    export_day(free(closed), D)
    before = files(closed)
    closed.deliver(landed(AFTER, view(AT, arrived=AFTER)))
    closed.load()
    assert days_to_export(free(closed)) == {}, "it is late, and kept aside"
    replay_late(closed.settings, closed.dbt, lambda _: None)
    assert list(export_all(free(closed), lambda _: None)) == [D]
    assert verify_day(closed.settings, D)
    assert len(files(closed)) == len(before)
    assert not any("fct_twist/" in str(path) for path in files(closed) & before)
    assert export_day(closed.settings, D)["fct_twist"].rows == 3


def test_an_export_that_is_interrupted_leaves_the_old_day_readable(
    closed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = free(closed)
    export_day(settings, D)
    old = verify_day(settings, D)
    closed.query("update twist.marts.fct_twist set channel = 'app', load_id = 10000")
    free(closed)
    placed: list[str] = []
    place = duckdb_files._place

    def interrupted(*arguments: Any) -> str:
        if placed:
            raise KeyboardInterrupt
        placed.append(place(*arguments))
        return placed[0]

    monkeypatch.setattr(duckdb_files, "_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_day(settings, D)
    assert placed, "the new day was half written"
    assert verify_day(settings, D) == old
    assert list(settings.warehouse_root.glob(".export-*")) == []
    monkeypatch.undo()
    export_day(settings, D)
    assert verify_day(settings, D) != old


def test_what_was_written_wrongly_is_found_before_the_manifest_names_it(
    closed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = free(closed)
    content = rows_of
    monkeypatch.setattr(manifests, "rows_of", lambda paths: f"{content(paths)} limit 1")
    with pytest.raises(HistoryError, match=r"expected 2 rows with checksum .* found 1 rows"):
        export_day(settings, D)
    assert read_manifest(settings, D) is None
    assert files(closed) == set()


def test_damage_is_undone_row_for_row(closed: Pipeline) -> None:
    good = rows(closed)
    export_day(free(closed), D)
    closed.query("delete from twist.marts.fct_twist where in_stock_share = 0")
    closed.query("update twist.marts.fct_twist_hourly set views = 99")
    closed.query("update twist.intermediate.int_stock__openings set available_qty = 3")
    for table in TABLES.keys() - {"fct_twist", "fct_twist_hourly", "stock_daily"}:
        closed.query(f"delete from twist.marts.{table}")
    assert rows(closed) != good
    restore_day(closed.settings, closed.dbt, D)
    assert rows(closed) == good
    closed.load()
    assert rows(closed) == good, "a load takes restored rows for no news"


def test_a_day_comes_back_into_a_table_that_has_got_a_column_since(closed: Pipeline) -> None:
    good = rows(closed)
    export_day(free(closed), D)
    closed.query("alter table twist.marts.fct_twist add column url varchar")
    closed.query("delete from twist.marts.fct_twist")
    restore_day(closed.settings, closed.dbt, D)
    assert closed.query("select count(url), count(*) > 0 from twist.marts.fct_twist") == [(0, True)]
    closed.query("alter table twist.marts.fct_twist drop column url")
    assert rows(closed) == good


def test_a_visitor_who_was_forgotten_since_the_export_does_not_come_back(
    closed: Pipeline,
) -> None:
    export_day(free(closed), D)
    who = f"select count(*), count(visitor_id) from twist.marts.fct_twist where view_date = '{D}'"
    assert closed.query(who) == [(2, 2)]
    engine = engine_of(closed.settings)
    asked = registry.ask(engine, closed.dbt, ["somebody else"], "asked")
    restore_day(closed.settings, closed.dbt, D)
    assert closed.query(who) == [(2, 2)]
    registry.ask(engine, closed.dbt, ["x"], "asked")
    restore_day(closed.settings, closed.dbt, D)
    assert closed.query(who) == [(2, 0)]
    hashes = ", ".join(f"'{each}'" for each in asked.hashes)
    closed.query(f"delete from twist.audit.erasures where visitor_hash not in ({hashes})")
    restore_day(closed.settings, closed.dbt, D)
    assert closed.query(who) == [(2, 2)]
    registry.ask_old(engine, closed.dbt, AT + timedelta(minutes=2), "old")
    restore_day(closed.settings, closed.dbt, D)
    assert closed.query(who) == [(2, 1)], "one view is of the first minute, one of the third"


@pytest.mark.ci
def test_a_restored_day_whose_lines_land_again_has_each_view_once(
    closed: Pipeline, loaded: Path, tmp_path: Path
) -> None:
    good = rows(closed)
    empty = restored_elsewhere(closed, tmp_path / "empty")
    shutil.copytree(loaded / "landing", empty.settings.landing_root, dirs_exist_ok=True)
    assert empty.load().loaded == 5
    assert rows(empty)["fct_twist"] == good["fct_twist"]
    empty.close()


@pytest.mark.long
def test_an_empty_warehouse_gets_the_day_back_and_passes_every_test_of_what_it_got(
    closed: Pipeline, tmp_path: Path
) -> None:
    good = rows(closed)
    empty = restored_elsewhere(closed, tmp_path / "empty")
    assert rows(empty) == good
    restored = sorted(TABLES.keys() - {"twist_daily"})  # its hours and products are not exported
    empty.dbt.run("test", "--indirect-selection", "cautious", "--select", *restored)
    empty.close()


def test_a_damaged_or_missing_export_restores_nothing(closed: Pipeline) -> None:
    settings = free(closed)
    with pytest.raises(HistoryError, match=r"has no 2026-11-02: it has none; run `make export`"):
        restore_day(settings, closed.dbt, D)
    export_day(settings, D)
    with pytest.raises(HistoryError, match=r"has no 2026-11-03: it has 2026-11-02 to 2026-11-02"):
        restore_day(settings, closed.dbt, date(2026, 11, 3))
    verify_day(settings, D)
    (path,) = (Path(settings.history_root) / "fct_twist").rglob("*.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HistoryError, match=f"{path.name} in .* cannot be read"):
        restore_day(settings, closed.dbt, D)
    path.write_bytes(whole)
    manifest = Path(settings.history_root) / "manifests" / f"{D}.json"
    content = json.loads(manifest.read_text())
    content["tables"]["fct_twist"]["sums"]["in_stock_share"] = "2.000000"
    manifest.write_text(json.dumps(content))
    with pytest.raises(HistoryError, match="fct_twist for 2026-11-02 does not match its manifest"):
        restore_day(settings, closed.dbt, D)
