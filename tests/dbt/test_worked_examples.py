"""The worked examples of CONTRIBUTING.md, done on a copy of the project as they are written."""

import gzip
import json
import re
import textwrap
from pathlib import Path

import pytest

from ingestion.settings import ROOT
from tests.harness.checkout import Checkout

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"## {title}\n(.*?)\n## ", GUIDE, re.DOTALL)
    assert found
    return found[1]


def follow(title: str, checkout: Checkout) -> list[str]:
    """Make each edit that a section asks for; return the edited files of the product."""
    steps = re.findall(
        r"\d\. In `(\S+)`, (after|before) `([^`]+)`.*?:\n   ```\w+\n(.*?)   ```",
        section(title),
        re.DOTALL,
    )
    edited = []
    for path, place, anchor, block in steps:
        if not (checkout.root / path).exists():
            continue  # the referee is not part of the copy
        (line,) = (ln for ln in (checkout.root / path).read_text().splitlines() if anchor in ln)
        new = textwrap.indent(textwrap.dedent(block), " " * _indent(block)).rstrip("\n")
        checkout.edit(
            path, f"{line}\n", f"{line}\n{new}\n" if place == "after" else f"{new}\n{line}\n"
        )
        edited.append(path)
    return edited


def _indent(block: str) -> int:
    """Of the first line, beyond the three columns of the list."""
    return len(block) - len(block.lstrip()) - 3


@pytest.mark.ci
def test_a_column_is_added_to_the_fact_in_one_model_and_one_yaml_file(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path)
    checkout.twist("load")
    edited = follow("Add a column to the fact", checkout)
    assert len(edited) == 2
    command = re.search(r"dbt (build .*)", section("Add a column to the fact"))
    assert command
    checkout.dbt(*command[1].split())
    count = "select count(*) = count(arrived_at) and count(*) > 0 as filled from fct_twist"
    assert checkout.twist("sql", count) == "filled\ntrue\n"

    # And taken out again: the column stays in the table, and loads go on without it.
    for path in edited:
        checkout.restore(path)
    checkout.land_later()
    checkout.twist("load")
    later = (
        "select count(*) > 0 and count(arrived_at) = 0 as empty from fct_twist "
        "where view_ts >= timestamp '2026-11-01 01:05:00'"
    )
    assert checkout.twist("sql", later) == "empty\ntrue\n"


@pytest.mark.ci
def test_a_field_is_added_to_a_topic(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path)
    checkout.twist("load")
    assert len(follow("Add a field to a topic", checkout)) == 6
    for path in (tmp_path / "later").rglob("clickstream+*.json.gz"):
        events = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        lines = "".join(json.dumps(event | {"campaign_id": "winter"}) + "\n" for event in events)
        path.write_bytes(gzip.compress(lines.encode()))
    checkout.land_later()
    checkout.twist("load")
    found = "select distinct campaign_id from staging.stg_clickstream__events order by all"
    assert checkout.twist("sql", found) == 'campaign_id\nwinter\n""\n'
