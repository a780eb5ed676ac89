"""The whole way from Kafka to the warehouse, started anew for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.warehouse.dbt_runner import Dbt
from tests.streaming.stack import Stack


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with Stack(tmp_path) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def dbt(stack: Stack) -> Iterator[Dbt]:
    warm = Dbt(stack.settings)
    yield warm
    warm.close()
