"""Which kind a failure is, by what a database or a store says of it."""

import duckdb
import pytest

from ingestion.settings import DAMAGED, REFUSED
from orchestration.erasure.search import Searched, StillThere
from orchestration.failures import failure


def test_a_404_within_the_name_of_a_file_is_no_missing_file() -> None:
    with pytest.raises(StillThere) as raised:
        Searched(found=["history/fct_twist/view_date=2026-11-02/7a01404f-14.parquet"]).refuse()
    found = failure(raised.value)
    assert found.status == REFUSED
    assert found.sentence.startswith("an id is still in history/")
    assert "make rebuild" not in found.sentence


@pytest.mark.parametrize(
    "said",
    [
        "HTTP GET error reading 'https://s/b/data/x.parquet' (HTTP 404 Not Found)",
        "HTTP Error: Unable to connect to URL 's3://b/x.parquet': 404 (Not Found)",
        "HTTP 404: s3://b/x.parquet",
        'Cannot open file "/w/data/x.parquet": No such file or directory',
    ],
)
def test_a_file_that_is_missing_is_one_wherever_it_lay(said: str) -> None:
    found = failure(duckdb.IOException(said))
    assert found.status == DAMAGED
    assert found.sentence.startswith("a file of the warehouse is missing: ")
