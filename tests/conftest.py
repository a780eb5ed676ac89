"""What every test can rely on."""

import os
from collections.abc import Iterator

import pytest


def environment_given_back() -> Iterator[None]:
    """dbt reads settings from the environment, where commands in this process put them."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


# Twice: what a module's own fixtures put there must not reach the next module.
of_a_module = pytest.fixture(scope="module", autouse=True)(environment_given_back)
of_a_test = pytest.fixture(autouse=True)(environment_given_back)
