"""What several unit tests read."""

import pytest

from ingestion.simulation.simulator import write_landing
from tests.harness.landed_lines import SMALL, Line, read


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """A simulated landing in which nothing goes wrong."""
    root = tmp_path_factory.mktemp("clean")
    write_landing(SMALL, root)
    return read(root)
