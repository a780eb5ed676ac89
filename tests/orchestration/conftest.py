"""A small shop on folders of its own, a Dagster instance in memory, and dbt parsed once."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import Settings
from orchestration.defs.lakehouse import Lakehouse
from orchestration.warehouse import writer_lock
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.minute_lines import landed, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.warm import warm_runner

DAY = datetime(2026, 11, 2)
AT = DAY + timedelta(hours=10)
AFTER = DAY + timedelta(days=5, hours=2, minutes=1)
"""late_days + 1 days, the slack and a minute after the day's end."""


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of this process uses one parsed dbt project."""

    def dbt(lakehouse: Lakehouse, on_result: Callable[[Any], None] = lambda _: None) -> Dbt:
        return Dbt(lakehouse.settings(), runner=warm_runner(), on_result=on_result)

    monkeypatch.setattr(Lakehouse, "dbt", dbt)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    # Dagster's telemetry would write into HOME, and a run fails where it cannot.
    settings = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings) as local:
        yield local


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A morning of one shirt, loaded: two views; one met stock and one did not."""
    root = tmp_path_factory.mktemp("loaded") / "shop"
    made = Pipeline(root, slack_hours=2)
    made.deliver(
        landed(
            DAY,
            sku(DAY),
            stock(AT),
            view(AT + timedelta(minutes=1)),
            stock(AT + timedelta(minutes=2), qty=0),
            view(AT + timedelta(minutes=3)),
        )
    )
    made.load()
    made.close()
    return root


@pytest.fixture(scope="session")
def loaded_and_closed(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That morning, and arrivals of both event topics that close its day."""
    made = copy(loaded, tmp_path_factory.mktemp("closed"))
    made.deliver(landed(AFTER, view(AFTER, "Z"), stock(AFTER, "Z")))
    made.load()
    made.close()
    return made.root


def copy(template: Path, folder: Path) -> Pipeline:
    """A warehouse like another, in folders of its own, beside a landing lake for more."""
    made = Pipeline(folder / "it's a shop é", slack_hours=2)
    shutil.copytree(template / "warehouse", made.root / "warehouse")
    made.settings = made.settings.model_copy(update={"history": str(folder / "history")})
    made.dbt.settings = made.settings
    return made


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TWIST_{name.upper()}", raising=False)


@pytest.fixture
def shop(loaded: Path, tmp_path: Path) -> Iterator[Pipeline]:
    """That morning's warehouse."""
    made = copy(loaded, tmp_path)
    yield made
    made.close()


@pytest.fixture
def closed(loaded_and_closed: Path, tmp_path: Path) -> Iterator[Pipeline]:
    """That morning's warehouse, its day closed."""
    made = copy(loaded_and_closed, tmp_path / "closed")
    yield made
    made.close()


def lakehouse(settings: Settings) -> Lakehouse:
    """The resource on these settings."""
    names = ("landing", "warehouse", "history", "overview", "connect_url")
    return Lakehouse(overrides={name: str(getattr(settings, name)) for name in names})


def free(pipeline: Pipeline) -> Settings:
    """The settings, when this test's own dbt lets others write."""
    pipeline.dbt.close()
    writer_lock.release(pipeline.settings.warehouse_root)
    return pipeline.settings


def ago(**age: float) -> datetime:
    """A moment so long before now."""
    return datetime.now(UTC).replace(tzinfo=None) - timedelta(**age)
