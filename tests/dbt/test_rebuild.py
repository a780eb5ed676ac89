"""A rebuild takes decisions along, swaps in nothing poorer, and survives what it is there for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.warehouse import rebuild as rebuild_module
from orchestration.warehouse import swap, writer_lock
from orchestration.warehouse.accept import accept
from orchestration.warehouse.attach import WarehouseDamaged
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.holdings import Less, WouldShrink, refuse_less
from orchestration.warehouse.maintain import maintain
from orchestration.warehouse.replay_late import replay_late
from tests.harness.given import load, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query
from tests.harness.warm import warm_runner

VIEWS = "select count(*) from fct_twist"
ACCEPTED = "select accepted_why from audit.landed_objects where status = 'accepted'"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two loads: two views of one day, and one of the next."""
    pipeline = Pipeline(tmp_path_factory.mktemp("loaded") / "shop", slack_hours=2)
    pipeline.deliver(load(sku("a"), stock("02 08:00", "a", 3), view("02 10:00"), view("02 11:00")))
    pipeline.load()
    pipeline.deliver(load(view("03 10:00", offset=99)))
    pipeline.load()
    pipeline.close()
    return pipeline.root


@pytest.fixture
def shop(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """A copy of it."""
    monkeypatch.setattr(rebuild_module, "Dbt", lambda its: Dbt(its, runner=warm_runner()))
    pipeline = Pipeline(tmp_path / "shop", slack_hours=2)
    shutil.copytree(loaded, pipeline.root, dirs_exist_ok=True)
    yield pipeline
    pipeline.close()


def rebuild(shop: Pipeline, *, may_shrink: bool = False) -> list[str]:
    said: list[str] = []
    shop.close()
    rebuild_module.rebuild(shop.settings, said.append, may_shrink=may_shrink)
    return said


def newest(shop: Pipeline) -> Path:
    """The object of the second load."""
    return max((shop.root / "landing").rglob("clickstream+*.json.gz"), key=lambda path: path.name)


def count(shop: Pipeline, sql: str = VIEWS) -> list[tuple[object, ...]]:
    return query(shop.settings, sql)


@pytest.mark.ci
def test_a_lake_that_lost_objects_is_refused_with_numbers_until_a_person_says_yes(
    shop: Pipeline,
) -> None:
    newest(shop).unlink()
    with pytest.raises(WouldShrink, match=r"clickstream 2026-11-03: 1 → 0\. .*SHRINK=1"):
        rebuild(shop)
    assert count(shop) == [(3,)]
    assert not swap.rebuilding(shop.settings.warehouse_root).exists()
    assert "is kept in" in rebuild(shop, may_shrink=True)[-1]
    assert count(shop) == [(2,)]
    (old,) = swap.replaced_ones(shop.settings.warehouse_root)
    kept = shop.settings.model_copy(update={"warehouse": str(old)})
    assert query(kept, VIEWS) == [(3,)]
    maintain(shop.settings, lambda _: None)
    assert old.exists(), "it is kept for days"
    maintain(shop.settings.model_copy(update={"keep_replaced_days": 0}), lambda _: None)
    assert not swap.replaced(shop.settings.warehouse_root).exists()


def test_more_than_ten_numbers_are_counted() -> None:
    days = [Less("clickstream", f"2026-11-{day:02}", 2, 1) for day in range(1, 14)]
    with pytest.raises(WouldShrink, match=r"2026-11-10: 2 → 1; and 3 more\."):
        refuse_less([*days])
    refuse_less([])


@pytest.mark.ci
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_warehouse_whose_catalog_is_gone_or_damaged_is_rebuilt_with_its_decisions(
    shop: Pipeline, how: str
) -> None:
    late = load(view("03 09:00", arrival="10 10:00", offset=500))
    cut = load(view("03 12:00", offset=600))[0]
    key = cut.key.replace("dt=2026-11-01", "dt=2026-11-20")  # the others are in older folders
    (shop.root / "landing" / key).parent.mkdir(parents=True)
    (shop.root / "landing" / key).write_bytes(cut.body[:-4])
    shop.deliver(late)
    shop.load()
    replay_late(shop.settings, shop.dbt, lambda _: None)
    accept(shop.settings, shop.dbt, key, "known")
    for state in ("asked_at = now()", "staged_rows = 7", "done_at = now()"):
        if state == "asked_at = now()":
            shop.query(
                "insert into twist.audit.erasures by name "
                "select 'hash' as visitor_hash, 'salt' as salt, 'law' as why, 0 as staged_rows"
            )
        shop.query(f"update twist.audit.erasures set {state}")
        shop.query("call ducklake_flush_inlined_data('twist')")
    shop.close()
    maintain(shop.settings, lambda _: None)  # writes inlined rows out
    writer_lock.release(shop.settings.warehouse_root)
    catalog = shop.settings.warehouse_root / "catalog.sqlite"
    for log in catalog.parent.glob("catalog.sqlite-*"):
        log.unlink()
    if how == "gone":
        catalog.unlink()
        for command in (shop.load, lambda: count(shop)):
            with pytest.raises(WarehouseDamaged, match=r"is gone, and the data .*make rebuild"):
                command()
        assert not catalog.exists(), "no new warehouse is begun"
    else:
        catalog.write_bytes(catalog.read_bytes()[:5000] + b"?" * 5000)
    said = rebuild(shop)
    taken = "1 replayed events, 1 accepted objects, 0 accepted ranges of offsets, 1 erasures. "
    assert f"Taken along from its files: {taken}" in said[0]
    assert "and `make forget` for who was erased since then" in said[0]
    (unchecked,) = [each for each in said if "cannot be checked whether the new" in each]
    assert "raise TWIST_KEEP_REPLACED_DAYS (now 7)" in unchecked
    assert count(shop) == [(4,)]
    assert count(shop, ACCEPTED) == [("known",)]
    erasures = "select visitor_hash, staged_rows, done_at is null from audit.erasures"
    assert count(shop, erasures) == [("hash", 7, False)]


@pytest.mark.ci
def test_a_mount_point_is_emptied_and_filled_in_place(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renaming a mount point fails; here the folder is only taken for one."""
    warehouse = shop.settings.warehouse_root
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == warehouse)
    inode = warehouse.stat().st_ino
    assert f"is kept in {warehouse}/.replaced/" in rebuild(shop)[-1]
    assert (warehouse.stat().st_ino, count(shop)) == (inode, [(3,)])
    assert not (warehouse / ".rebuilding").exists()
    (old,) = swap.replaced_ones(warehouse)
    assert {"catalog.sqlite", "data"} <= {path.name for path in old.iterdir()}


@contextmanager
def killed_after(moves: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the body after so many moves of files, or at its end."""
    done, rename = 0, Path.rename

    def killed(path: Path, place: Path) -> Path:
        nonlocal done
        done += 1
        if done > moves:
            raise KeyboardInterrupt
        return rename(path, place)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", killed)
        yield
        raise KeyboardInterrupt


@pytest.mark.parametrize("moves", range(6))
def test_a_kill_within_the_moves_of_a_mount_point_is_completed_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    warehouse = tmp_path / "w"
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == warehouse)
    for folder, text in ((warehouse, "old"), (warehouse / ".rebuilding", "new")):
        (folder / "data").mkdir(parents=True)
        for name in ("catalog.sqlite", "data/a.parquet", "writer.lock"):
            (folder / name).write_text(text)
    with killed_after(moves, monkeypatch):
        swap.swap(warehouse)
    swap.settle(warehouse)
    (old,) = swap.replaced_ones(warehouse)
    for folder, text in ((warehouse, "new"), (old, "old")):
        assert (folder / "catalog.sqlite").read_text() == text
        assert [path.read_text() for path in (folder / "data").iterdir()] == [text]
    assert not (warehouse / ".rebuilding").exists()


@pytest.mark.parametrize("moves", range(3))
def test_a_kill_within_the_moves_of_a_folder_is_completed_and_a_half_built_one_is_never_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    warehouse = tmp_path / "w"
    fresh = swap.rebuilding(warehouse)
    for folder, text in ((warehouse, "old"), (fresh, "new")):
        folder.mkdir()
        (folder / "catalog.sqlite").write_text(text)
    warehouse.rename(tmp_path / "elsewhere")  # a rebuild was killed; a person moves the old one
    swap.settle(warehouse)
    assert not warehouse.exists(), "the new one is half built"
    (tmp_path / "elsewhere").rename(warehouse)
    with killed_after(moves, monkeypatch):
        swap.swap(warehouse)
    swap.settle(warehouse)
    assert (warehouse / "catalog.sqlite").read_text() == ("new" if moves else "old")
    assert fresh.exists() == (moves == 0)
    assert not (warehouse / swap.COMPLETE).exists()


@pytest.mark.ci
def test_maintenance_removes_what_killed_rebuilds_and_exports_have_left(shop: Pipeline) -> None:
    warehouse = shop.settings.warehouse_root
    shutil.copytree(warehouse, swap.rebuilding(warehouse))
    for age, name in ((0, ".export-new"), (100_000, ".export-old")):
        (warehouse / name).mkdir()
        os.utime(warehouse / name, (1e9, (warehouse / name).stat().st_mtime - age))
    settings = shop.settings.model_copy(update={"history": str(shop.root / "history")})
    left = [
        shop.root / "history/fct_twist/view_date=2026-11-02/a.parquet#1",
        shop.root / "history/manifests/2026-11-02.json#1",
        Path(settings.overview_root) / "overview.html#2",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        path.with_name("overview.now#1").write_bytes(b"a put that is under way")
        os.utime(path, (0, 0))
    maintain(settings, lambda _: None)
    assert not any(path.exists() for path in left)
    assert all(path.with_name("overview.now#1").exists() for path in left)
    assert not swap.rebuilding(warehouse).exists()
    assert [path.name for path in warehouse.glob(".export-*")] == [".export-new"]
    assert count(shop) == [(3,)]
