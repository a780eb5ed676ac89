"""An erasure that meets a damaged day of the history lake does all else."""

import pytest

from orchestration.history.manifests import HistoryDamaged
from tests.dbt.test_forget import erase, filled, shop, stores_with
from tests.harness.persons import PERSON
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query

__all__ = ["filled", "shop"]


def test_a_day_of_the_history_lake_that_is_damaged_stops_nothing_else_and_is_named(
    shop: Pipeline,  # the fixture
) -> None:
    for path in (shop.root / "history/fct_twist").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(HistoryDamaged, match=r"^\d days of .* could not be read.*VERIFY=1"):
        erase(shop, PERSON)
    shop.close()
    assert stores_with(shop, PERSON) == set(), "all else was done"
    assert query(shop.settings, "select done_at from audit.erasures") == [(None,)]
