"""The worked example of the documentation, done on a copy of the project as it says."""

import re
from pathlib import Path

import pytest

from ingestion.settings import ROOT
from tests.harness.checkout import Checkout

GUIDE = (ROOT / "README.md").read_text()
MODEL = "dbt_project/models/marts/fct_twist.sql"
YAML = "dbt_project/models/marts/_marts__facts.yml"


def example() -> str:
    found = re.search(r"## Add a column to the fact\n(.*?)\n## ", GUIDE, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.long
def test_a_column_is_added_to_the_fact_in_one_model_and_one_yaml_file(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path)
    checkout.twist("load")

    column, after = re.findall(r"`(views\.\w+,)`", example())
    checkout.edit(MODEL, after, f"{after}\n    {column}")
    block = re.search(r"```yaml\n(.*?\n) *```", example(), re.DOTALL)
    assert block
    fact, rest = (tmp_path / YAML).read_text().split("      - name: visitor_id\n", 1)
    own, others = rest.split("      - name: ", 1)
    (tmp_path / YAML).write_text(
        f"{fact}      - name: visitor_id\n{own}{block[1]}      - name: {others}"
    )

    command = re.search(r"cd dbt_project && \S+dbt (build .*)", example())
    assert command
    checkout.dbt(*command[1].split())
    count = "select count(*) = count(url) and count(*) > 0 as filled from fct_twist"
    assert checkout.twist("sql", count) == "filled\ntrue\n"

    # And taken out again: the column stays in the table, and loads go on without it.
    checkout.restore(MODEL)
    checkout.restore(YAML)
    checkout.land_later()
    checkout.twist("load")
    later = (
        "select count(*) > 0 and count(url) = 0 as empty from fct_twist "
        "where view_ts >= timestamp '2026-11-01 01:05:00'"
    )
    assert checkout.twist("sql", later) == "empty\ntrue\n"
