"""Both engines make the same tables of the same landing files, row for row."""

from pathlib import Path

import pytest

from tests.dbt.histories import History, packed
from tests.dbt.pipeline import Pipeline
from tests.teradata.warehouse import Teradata, differences, tables_of


def pack(seed: int, members: int, loads: int) -> History:
    return packed(range(seed, seed + members), loads)


def compare(history: History, root: Path, *, full_refresh: bool) -> None:
    """Each step on both; then, on Teradata alone, everything that can be rebuilt is."""
    duck = Pipeline(root, history.settings)
    teradata = Teradata(root / "landing", history.settings)
    try:
        for number, step in enumerate(history.steps):
            if step == "replay":
                duck.run(["replay"])
                teradata.replay()
            else:
                duck.deliver(step)
                duck.load()
                teradata.load()
            found = differences(tables_of(duck.dbt), teradata.tables())
            assert not found, "\n".join([f"after step {number}:", *found[:20]])
        expected = tables_of(duck.dbt)
        assert all(expected[name] for name in ("fct_twist", "stock_daily", "quarantined_lines"))
        if full_refresh:
            teradata.run("run", "--full-refresh")
            found = differences(expected, teradata.tables())
            assert not found, "\n".join(["after the full refresh:", *found[:20]])
    finally:
        duck.close()
        teradata.close()


def test_loads_late_data_replays_and_a_full_refresh_are_equal(tmp_path: Path) -> None:
    compare(pack(5016, members=3, loads=5), tmp_path, full_refresh=True)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6000, 6400, 100))
def test_large_packs_are_equal(seed: int, tmp_path: Path) -> None:
    compare(pack(seed, members=25, loads=6), tmp_path, full_refresh=True)
