"""A run that works for longer than a hang may last is not ended; who watches it is told."""

import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ingestion.lake.object_keys import object_key
from ingestion.settings import Settings
from orchestration import progress
from orchestration.erasure import objects, search
from orchestration.monitoring import heartbeat
from orchestration.monitoring.heartbeat import beating
from orchestration.warehouse import rebuild as rebuild_module
from orchestration.warehouse import write_queue, writer_lock
from orchestration.warehouse.apart import apart
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.pipeline import Pipeline
from tests.harness.warm import warm_runner
from tests.orchestration.conftest import free
from tests.orchestration.test_heartbeat import begin
from tests.orchestration.test_write_queue import start

SHORT = 0.6
Say = Callable[[str], None]


@contextmanager
def counting() -> Iterator[list[float]]:
    """When progress was made within the body."""
    found: list[float] = []
    with progress.watched_by(lambda: found.append(time.monotonic())):
        yield found


def hold(warehouse: Path, seconds: float) -> None:
    with write_queue.turn(warehouse):
        (warehouse / "held").touch()
        time.sleep(seconds)


def test_a_run_may_wait_for_its_turn_longer_than_a_hang_lasts(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "HUNG_SECONDS", SHORT)
    monkeypatch.setattr("orchestration.monitoring.heartbeat.os._exit", ended.append)
    warehouse = tmp_path / "warehouse"
    context: Any = SimpleNamespace(instance=instance, run=begin(instance))
    writer = start(hold, warehouse, 4 * SHORT)
    while not (warehouse / "held").exists():
        time.sleep(0.02)
    began = time.monotonic()
    with beating(context), write_queue.turn(warehouse):
        assert time.monotonic() - began > 2 * SHORT
    writer.join()
    assert ended == []


def test_nobody_is_told_after_the_end_of_what_was_watched() -> None:
    with counting() as found:
        progress.progress()
    progress.progress()
    assert len(found) == 1


def test_sleeping_on_purpose_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_STEP_SECONDS", 0.05)
    began = time.monotonic()
    with counting() as found:
        progress.wait(0.3)
    assert time.monotonic() - began >= 0.3
    assert len(found) > 3


def work_silently(_: Settings, __: Say) -> None:
    for _again in range(3):
        progress.progress()


def test_progress_in_a_process_of_its_own_is_its_callers(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "warehouse"))
    writer_lock.take(settings.warehouse_root)
    said: list[str] = []
    with counting() as found:
        apart(work_silently, settings, said.append)
    writer_lock.release(settings.warehouse_root)
    assert (len(found), said) == (3, [])


def test_each_object_and_each_file_that_an_erasure_reads_is_progress(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, landing=str(tmp_path / "landing"), warehouse=str(tmp_path / "w"),
        history=str(tmp_path / "history"), overview=str(tmp_path / "overview"),
    )  # fmt: skip
    settings.warehouse_root.mkdir()
    for number in range(5):
        key = object_key("clickstream", datetime(2026, 11, 2, 10, tzinfo=UTC), 0, number)
        path = Path(settings.landing_root) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"by nobody\n"))
    engine: Any = SimpleNamespace(knows_etags=True)
    with counting() as found:
        objects.rewrite(settings, engine, lambda text, _: (text, []), print)
    assert len(found) == 5
    with counting() as found:
        assert search.search(settings, ["a-visitor-id"]).files == 6, "and the notes"
    assert len(found) == 6


def test_each_node_of_a_command_is_progress_before_the_command_ends(shop: Pipeline) -> None:
    nodes: list[Any] = []
    seen: list[int] = []
    with counting() as found:

        def note(result: Any) -> None:
            nodes.append(result)
            seen.append(len(found))

        shop.dbt.on_result = note
        shop.dbt.run("run", "--select", "path:models/marts")
    assert len(nodes) > 5
    assert seen[0] > 2 * len(nodes), "results are given at the end; events come all along"


def test_a_rebuild_makes_progress_with_a_dbt_of_its_own(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_module, "Dbt", lambda its: Dbt(its, runner=warm_runner()))
    Path(shop.settings.landing_root).mkdir(exist_ok=True)
    settings = free(shop)
    with counting() as found:
        rebuild_module.rebuild(settings, lambda _: None, may_shrink=True)
    assert len(found) > 50
