"""Each check leads to its entry in the run book, and the entries are there."""

import re
from collections.abc import Iterable

import dagster as dg
import pytest

from ingestion.settings import ROOT
from orchestration.definitions import defs
from orchestration.failures import RUNBOOK
from orchestration.monitoring.runbook import headings

ENTRY = re.compile(rf"{re.escape(RUNBOOK)}#([\w-]+)")


def checks() -> Iterable[dg.AssetCheckSpec]:
    graph = defs.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys]


def test_each_check_names_an_entry_of_the_run_book() -> None:
    found = {spec.name: ENTRY.findall(spec.description or "") for spec in checks()}
    assert len(found) > 20
    assert {name for name, entries in found.items() if len(entries) != 1} == set()
    assert {entry for entries in found.values() for entry in entries} <= set(headings())
    own = {"no_object_is_unreadable", "no_offset_is_missing", "no_record_became_a_dead_letter"}
    assert {name: found[name] for name in own} == {name: [name] for name in own}


@pytest.mark.parametrize("path", ["orchestration", "ingestion"])
def test_sentences_name_entries_that_exist(path: str) -> None:
    named = set()
    for file in (ROOT / path).rglob("*.py"):
        named |= set(re.findall(r"\{RUNBOOK\}#([a-z-]+)", file.read_text()))
        for words in re.findall(r"\(RUNBOOK, ([a-z :]+)\)", file.read_text()):
            named.add(words.replace(":", "").replace(" ", "-"))
    assert named <= set(headings())
    assert path == "ingestion" or "a-damaged-warehouse" in named
