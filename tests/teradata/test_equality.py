"""Both engines make the same tables of the same landing files, row for row."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.pages.overview.figures import read_figures
from orchestration.pages.overview.parts import PARTS
from orchestration.pages.overview.publish import VIEWS, create_sql_views
from tests.harness.given import load, sku, stock, view
from tests.harness.histories import History, packed
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Settings
from tests.harness.small_shop import days
from tests.teradata.warehouse import Teradata, differences, tables_of


def pack(seed: int, members: int, loads: int) -> History:
    return packed(range(seed, seed + members), loads)


def compare(
    history: History, root: Path, *, full_refresh: bool = False, replays_with_load: bool = False
) -> None:
    """Each step on both; then, on Teradata alone, everything that can be rebuilt is.

    With `replays_with_load` a replay loads the files of the step before it too.
    """
    duck = Pipeline(root, history.settings)
    teradata = Teradata(root / "landing", history.settings, bucket="lake")
    teradata.system.store.skips_odd_quotes = False  # else it lacks those lines, and says so
    try:
        for number, step in enumerate(history.steps):
            if step == "replay":
                duck.run(["replay"])
                teradata.replay()
            else:
                duck.deliver(step)
                if replays_with_load and history.steps[number + 1 : number + 2] == ["replay"]:
                    continue
                duck.load()
                teradata.load()
            found = differences(tables_of(duck.dbt), teradata.tables())
            assert not found, "\n".join([f"after step {number}:", *found[:20]])
        expected = tables_of(duck.dbt)
        assert all(expected[name] for name in ("fct_twist", "stock_daily", "quarantined_lines"))
        band = r"set query_band = 'run=[-0-9a-f]{36};model=fct_twist;' update for session;"
        assert any(re.search(band, request) for request in teradata.system.requests)
        # A right on a view leaves with the view: it is replaced, never dropped or renamed.
        teradata.run("run", "--select", "fct_twist_public")
        lost = re.compile(r"\b(drop|rename) +view\b", re.IGNORECASE)
        assert [request for request in teradata.system.requests if lost.search(request)] == []
        if full_refresh:
            teradata.run("run", "--full-refresh")
            found = differences(expected, teradata.tables())
            assert not found, "\n".join(["after the full refresh:", *found[:20]])
    finally:
        duck.close()
        teradata.close()


@pytest.mark.ci
def test_loads_and_a_replay_of_late_data_are_equal(tmp_path: Path) -> None:
    compare(pack(5017, members=2, loads=3), tmp_path, replays_with_load=True)


@pytest.mark.long
def test_more_loads_and_a_full_refresh_are_equal(tmp_path: Path) -> None:
    compare(pack(5017, members=3, loads=5), tmp_path, full_refresh=True)


@pytest.mark.long
def test_texts_longer_than_their_column_are_set_aside_on_both(tmp_path: Path) -> None:
    """On Teradata a cast that cuts text fails the request, and with it every line of the batch."""
    long = "x" * 129
    lines = [view("02 10:00", sku="a"), stock("02 09:00", "a", 3), sku("a")]
    lines += [view("02 10:01", sku=long), stock("02 09:01", long, 3), sku(long)]
    lines += [view("02 10:02", fulfilment="a balloon over the sea"), view("03 10:00", sku="a")]
    compare(History((), Settings(), [load(*lines)]), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", (6325, 7000))
def test_large_packs_are_equal(seed: int, tmp_path: Path) -> None:
    compare(pack(seed, members=25, loads=6), tmp_path, full_refresh=True)


@pytest.mark.long
def test_the_overview_is_equal(tmp_path: Path) -> None:
    duck = Pipeline(tmp_path / "shop")
    teradata = Teradata(tmp_path / "shop" / "landing")
    try:
        duck.deliver(days())
        duck.load()
        teradata.load()
        teradata.run("run", *VIEWS)
        create_sql_views(duck.settings, lambda: duck.dbt)
        now = datetime.now(UTC)
        expected = read_figures(duck.settings, now)
        found = teradata.overview(now)
        for row in (*expected["topics"], *found["topics"]):
            del row["audited_at"]
        assert all(expected[part] for part in PARTS)
        assert {part: found[part] for part in PARTS} == {part: expected[part] for part in PARTS}
    finally:
        duck.close()
        teradata.close()
