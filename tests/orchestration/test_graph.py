"""What Dagster shows: one graph from the landed topics to the history lake, as dbt describes it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import ROOT, SettingsError
from orchestration.definitions import defs
from orchestration.defs import dbt_models
from orchestration.history.manifests import TABLES
from orchestration.pages.overview.parts import PARTS

GRAPH = defs.resolve_asset_graph()
MANIFEST = dbt_models.read_manifest()
CHECKS = list(dbt_models.warehouse.check_specs)
MODELS = [node for node in MANIFEST["nodes"].values() if node["resource_type"] == "model"]


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))


def of_model(model: dict[str, Any]) -> Any:
    return GRAPH.get(dg.AssetKey([model["config"]["schema"], model["name"]]))


def test_every_model_is_an_asset_with_its_group_owner_and_description() -> None:
    owners = {"loading": "data-platform", "computing": "data-platform"}
    for model in MODELS:
        node = of_model(model)
        group = model["config"]["group"]
        assert node.group_name == group
        assert node.owners == [f"team:{owners.get(group, 'merchandising-analytics')}"]
        assert node.description.startswith(model["description"])
        assert set(model["tags"]) <= set(node.tags)


def test_every_test_is_a_check_of_the_model_it_is_about() -> None:
    checks = {(check.asset_key.path[-1], check.name) for check in GRAPH.asset_check_keys}
    for node in MANIFEST["nodes"].values():
        attached = node.get("attached_node") or ""
        if node["resource_type"] == "test" and not attached.startswith("seed"):
            about = attached.split(".")[-1] or node["config"]["meta"]["dagster"]["ref"]["name"]
            described = {check.name: check.description for check in CHECKS}
            assert attached or described[node["name"]]
            assert (about, node["name"]) in checks


def test_the_graph_reads_from_the_topics_to_the_history_lake() -> None:
    topics = {key(f"landing/landing_{t}") for t in ("clickstream", "sku_availability")}
    upstream = {key("history/closed_days")}
    while more := {p for k in upstream for p in GRAPH.get(k).parent_keys} - upstream:
        upstream |= more
    assert topics | {key(f"marts/{table}") for table in TABLES} <= upstream
    others = {
        of_model(model).key for model in MODELS if model["fqn"][1] not in ("marts", "overview")
    }
    assert others - upstream == {
        key("load/changed_stockouts"),
        key("audit/landed_objects"),
        key("audit/late_events"),
        key("audit/quarantined_lines"),
        key("audit/dead_letters"),
        key("audit/landed_offsets"),
        key("audit/missing_offsets"),
        key("audit/conflicting_copies"),
        *(key(f"load/load_{name}") for name in ("runs", "eras", "conflicts")),
    }


def test_the_overview_page_comes_after_the_views_it_shows() -> None:
    assert {parent.path[-1] for parent in GRAPH.get(key("overview/page")).parent_keys} == {
        f"overview_{part}" for part in PARTS
    }


def test_the_warehouses_own_books_are_not_drawn_upstream() -> None:
    drawn = {asset.path[0] for asset in GRAPH.get_all_asset_keys()}
    assert not [name for name in drawn if name.startswith(("bookkeeping", "earlier_"))]


def test_marts_and_the_overview_page_have_a_freshness_policy() -> None:
    with_policy = {k.path[0] for k in GRAPH.get_all_asset_keys() if GRAPH.get(k).freshness_policy}
    assert with_policy == {"marts", "overview"}, "of the overview, the page alone"


def test_writers_share_a_pool_of_one() -> None:
    jobs = ("twist_load", "twist_rebuild", "twist_replay_late", "twist_maintain",
            "twist_forget", "twist_forget_old")  # fmt: skip
    for name in jobs:
        pools = [node.definition.pools for node in defs.resolve_job_def(name).nodes]
        assert pools == [{"warehouse_writer"}], name
    instance = (ROOT / "docker/dagster/dagster.yaml").read_text()
    assert "pools: {granularity: run, default_limit: 1}" in instance


def test_definitions_load_without_network_lake_secret_or_great_expectations() -> None:
    """And add little to what Dagster takes by itself, which is 2 to 4 seconds of CPU."""
    program = (
        "import socket, sys, time\n"
        "def refuse(*_): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "import dagster, dagster_dbt\n"
        "alone = time.process_time()\n"
        "import orchestration.definitions\n"
        "heavy = {'great_expectations', 'pandas', 'duckdb'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print(time.process_time() / alone)"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TWIST_")}
    bare |= {"TWIST_LANDING": "/nowhere", "TWIST_WAREHOUSE": "/nowhere"}
    bare["PYTHONPYCACHEPREFIX"] = str(ROOT / ".data" / "bytecode")
    bare.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=bare, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        times.append(float(done.stdout))
        if times[-1] < 1.5:
            return
    raise AssertionError(f"definitions take {times} times what Dagster takes to load")


def test_a_missing_manifest_is_a_sentence_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_models, "PROJECT", tmp_path)
    with pytest.raises(SettingsError, match=r"manifest\.json is missing: run `make setup`"):
        dbt_models.read_manifest()
