"""Cures of the run book that no other test runs: the red state, the cure, and that it worked.

tests/orchestration/test_runbook.py names the test of each entry.
"""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.settings import DAMAGED, LOCKED, NO_PERMISSION, NOTHING_READ, ROOT, Settings
from orchestration.failures import RUNBOOK
from orchestration.history.export import export_all
from orchestration.warehouse import swap
from tests.dbt.test_concurrency import wait_for_lock
from tests.dbt.test_failures import at, damage, run
from tests.harness.given import load, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.processes import THEN, Warm, command, run_warm
from tests.harness.tables import queries, query

pytestmark = pytest.mark.ci
VIEWS = "select count(*) from fct_twist"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three views, a closed and exported day; one late event."""
    pipeline = Pipeline(tmp_path_factory.mktemp("cures") / "shop")
    pipeline.settings = pipeline.dbt.settings = at(pipeline.root)
    pipeline.deliver(load(sku("a"), stock("02 08:00", "a", 3), view("02 10:00"), view("02 11:00")))
    pipeline.load()
    late = view("02 10:00", arrival="12 10:00", offset=500)
    pipeline.deliver(load(stock("12 08:00", "a", 3), view("12 10:00", offset=50), late))
    pipeline.load()
    pipeline.close()
    assert [str(day) for day in export_all(pipeline.settings, lambda _: None)] == ["2026-11-02"]
    return pipeline.root


@pytest.fixture
def shop(whole: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of it."""
    shutil.copytree(whole, tmp_path / "shop", copy_function=shutil.copy2)
    yield at(tmp_path / "shop")


def said(settings: Settings, *words: str) -> str:
    """The output of commands that succeed."""
    log = settings.warehouse_root.with_name("log")
    log.unlink(missing_ok=True)
    return run_warm(settings, log, *words)


def test_every_question_of_the_guides_has_an_answer(shop: Settings) -> None:
    said(shop, "overview")
    guides = [ROOT / "README.md", *(ROOT / "dbt_project" / "docs").glob("*.md")]
    asked = {
        sql for guide in guides for sql in re.findall(r'Q="(select [^"]+)"', guide.read_text())
    }
    assert len(asked) > 10
    asked = {sql for sql in asked if "…" not in sql}
    assert all(rows is not None for rows in queries(shop, *asked))


def test_keys_that_are_not_read_are_moved_into_the_layout_and_swept(
    shop: Settings, tmp_path: Path
) -> None:
    landing, right = Path(shop.landing_root), tmp_path / "right"
    landing.rename(right)
    for path in right.rglob("*.json.gz"):
        (landing / "topics" / path.parts[-4]).mkdir(parents=True, exist_ok=True)
        path.rename(landing / "topics" / path.parts[-4] / path.name)
    new = shop.model_copy(update={"warehouse": str(tmp_path / "new")})
    done = command("load", settings=new)
    assert done.returncode == NOTHING_READ
    assert "recognized" in done.stderr
    for path in list((landing / "topics").glob("*/*.gz")):
        folder = path.parent / "dt=2026-11-01" / "hour=00"
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    folder = landing / "topics" / "clickstream" / "dt=2026-11-01" / "hour=00"
    plain = folder / "clickstream+0+0000000000.json"
    plain.write_text("{}")
    misnamed = landing / "topics" / "shop.clickstream.v1"
    shutil.copytree(landing / "topics" / "clickstream", misnamed)
    key = plain.relative_to(landing)
    warned = f"2 not read: {key}, topics/shop.clickstream.v1/: set s3.compression.type=gzip"
    assert warned in said(new, "load", "--sweep", "all")
    plain.unlink()
    shutil.rmtree(misnamed)
    assert "not read" not in said(new, "load", "--sweep", "all")
    assert query(new, VIEWS) == [(3,)]


def test_rows_that_were_deleted_by_hand_come_back_with_a_rebuild(shop: Settings) -> None:
    pipeline = Pipeline(shop.warehouse_root.with_name("hand"))
    pipeline.settings = pipeline.dbt.settings = shop
    try:
        accounts = ("test", "--select", "every_landed_line_is_accounted_for")
        pipeline.dbt.run(*accounts)
        pipeline.query("delete from twist.staging.stg_clickstream__events")
        with pytest.raises(Exception, match="every_landed_line_is_accounted_for"):
            pipeline.dbt.run(*accounts)
        pipeline.close()
        said(shop, "rebuild")
        pipeline.dbt.run(*accounts)
    finally:
        pipeline.close()
    assert query(shop, VIEWS) == [(3,)]


def test_a_damaged_warehouse_is_put_back_from_a_backup(shop: Settings, tmp_path: Path) -> None:
    shutil.copytree(shop.warehouse_root, tmp_path / "backup")
    damage(shop.warehouse_root / "catalog.sqlite")
    refused = command("load", settings=shop)
    assert refused.returncode == DAMAGED
    assert f"{RUNBOOK}, a damaged warehouse" in refused.stderr
    shutil.rmtree(shop.warehouse_root)
    (tmp_path / "backup").rename(shop.warehouse_root)
    assert ": 0 loaded, " in said(shop, "load")  # a copied lake has other etags
    assert query(shop, VIEWS) == [(3,)]


def test_an_overview_that_cannot_be_written_is_published_once_it_can(shop: Settings) -> None:
    folder = Path(shop.overview_root)
    folder.mkdir()
    folder.chmod(0o500)
    refused = run(shop, "overview")
    assert refused.returncode == NO_PERMISSION
    assert str(folder) in refused.stderr
    folder.chmod(0o700)
    assert f"open {folder}/overview.html" in said(shop, "overview")


def test_a_replaced_warehouse_takes_its_place_again(shop: Settings) -> None:
    said(shop, "rebuild")
    (old,) = swap.replaced_ones(shop.warehouse_root)
    inode = (old / "catalog.sqlite").stat().st_ino
    shop.warehouse_root.rename(shop.warehouse_root.with_name("away"))
    old.rename(shop.warehouse_root)
    assert (shop.warehouse_root / "catalog.sqlite").stat().st_ino == inode
    said(shop, "load", THEN, "maintain")
    assert query(shop, VIEWS) == [(3,)]


def test_a_held_lock_is_free_once_its_process_ends(shop: Settings, tmp_path: Path) -> None:
    for number in range(40):  # a load that takes its time
        lines = (view("12 11:00", offset=1000 + 100 * number + each) for each in range(100))
        for each in load(*lines):
            path = Path(shop.landing_root) / each.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.body)
    holder = Warm(shop, tmp_path / "holder", "load")
    wait_for_lock(shop, holder.pid)
    refused = command("load", settings=shop)
    assert refused.returncode == LOCKED
    (pid,) = re.findall(r"another process \(pid (\d+)", refused.stderr)
    assert pid in (shop.warehouse_root / "writer.lock").read_text()
    os.kill(int(pid), signal.SIGTERM)
    holder.process.join(60)
    said(shop, "load")
    assert query(shop, VIEWS) == [(4003,)]


def test_a_full_folder_gets_room_from_maintenance(shop: Settings) -> None:
    said(shop, "rebuild")
    killed = swap.rebuilding(shop.warehouse_root)
    killed.mkdir()
    (killed / "half").write_bytes(bytes(100))
    none_kept = shop.model_copy(update={"keep_replaced_days": 0})
    words = said(none_kept, "maintain", "--keep", "0")
    assert "which a rebuild had replaced" in words
    assert "removed what a killed rebuild had left" in words
    assert not swap.replaced(shop.warehouse_root).exists()
    assert not killed.exists()
    assert query(shop, VIEWS) == [(3,)]


def test_a_warehouse_that_was_moved_whole_goes_on(shop: Settings, tmp_path: Path) -> None:
    shop.warehouse_root.rename(tmp_path / "elsewhere")
    moved = shop.model_copy(update={"warehouse": str(tmp_path / "elsewhere")})
    assert query(moved, VIEWS) == [(3,)]
    assert ": 0 loaded, " in said(moved, "load")
    said(moved, "maintain", "--keep", "0")
    assert query(moved, VIEWS) == [(3,)]
