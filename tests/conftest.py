"""What every test can rely on."""

import os
from collections.abc import Iterator

import pytest


def settings_of_this_process() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("TWIST_")}


GIVEN = settings_of_this_process()


@pytest.fixture(scope="module", autouse=True)
def no_settings_left_behind() -> Iterator[None]:
    """What a module or its fixtures left in the environment would be another module's settings."""
    yield
    left = settings_of_this_process()
    for name in left:
        del os.environ[name]
    os.environ.update(GIVEN)
    assert left == GIVEN
