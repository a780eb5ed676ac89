"""What every test can rely on."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """dbt reads settings from the environment, where commands in this process put them."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
