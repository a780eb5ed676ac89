"""The dbt models as assets and the dbt tests as asset checks, as dbt's manifest describes them."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from ingestion.contract.topics import TOPICS
from ingestion.settings import SettingsError
from orchestration.defs.dagster_results import checked, materialized
from orchestration.defs.lakehouse import WRITERS, Lakehouse
from orchestration.defs.topic_assets import topic_events, topic_key
from orchestration.monitoring.runbook import with_entry
from orchestration.warehouse.dbt_runner import PROJECT
from orchestration.warehouse.load import load
from orchestration.warehouse.run_results import run_tests

LISTS_THE_LAKE = "model.twist.load_listing"
OWN_TABLES = ("source.twist.bookkeeping.", "source.twist.earlier_")
"""Tables of this project: they are assets, not upstream sources."""
MARTS_FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(minutes=20), warn_window=timedelta(minutes=11)
)
"""Loads report every mart as up to date every 5 minutes, in live mode and on the schedule."""


def read_manifest() -> dict[str, Any]:
    """dbt's manifest, as `make setup` writes it."""
    path = PROJECT / "target" / "manifest.json"
    if not path.exists():
        raise SettingsError(f"{path} is missing: run `make setup` to create it")
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


class Translator(DagsterDbtTranslator):
    """Translates dbt's nodes to Dagster's: one graph from the landed topics to the marts."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetSpec:
        """Add the landed topics upstream, teams as owners and the freshness of marts."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        parents = node.get("depends_on", {}).get("nodes", [])
        own_tables = {
            self.get_asset_key(self.get_resource_props(manifest, parent))
            for parent in parents
            if parent.startswith(OWN_TABLES)
        }
        deps = [dep for dep in spec.deps if dep.asset_key not in own_tables]
        if unique_id == LISTS_THE_LAKE:
            deps += [dg.AssetDep(topic_key(topic)) for topic in TOPICS]
        spec = spec.replace_attributes(deps=deps, owners=_owners(manifest, node))
        if node["resource_type"] == "model" and node["fqn"][1] == "marts":
            spec = spec.replace_attributes(freshness_policy=MARTS_FRESH)
        return spec

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """A failed test is red but fails no run: its table has been built already."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(
            blocking=False, description=with_entry(spec.description, spec.name)
        )


def _owners(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    """`Data platform` → team:data-platform: Dagster knows e-mail addresses and teams."""
    for group in manifest["groups"].values():
        if group["name"] == node.get("config", {}).get("group"):
            return ["team:" + re.sub(r"\W+", "-", group["owner"]["name"].lower())]
    return []


@dbt_assets(
    name="warehouse",
    manifest=read_manifest(),
    dagster_dbt_translator=Translator(),
    exclude="resource_type:seed",
    pool=WRITERS,
)
def warehouse(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[Any]:
    """A load (or only the selected models, if none of them reads landed lines), then tests."""
    specs = [spec for spec in warehouse.specs if spec.key in context.selected_asset_keys]
    checks = [
        spec for spec in warehouse.check_specs if spec.key in context.selected_asset_check_keys
    ]
    with lakehouse.writing(context) as (dbt, recorder):
        if any("load" in spec.tags for spec in specs):
            report = load(dbt.settings, dbt, context.log.info)
            context.log.info(str(report))
            for event in topic_events(report.topics):
                context.log_event(event)
        elif specs:
            dbt.run("run", "--select", *(spec.key.path[-1] for spec in specs))
        yield from materialized(dbt, specs, recorder.taken())
        tests = run_tests(dbt, recorder, [spec.name for spec in checks]) if checks else {}
        yield from checked(dbt, checks, tests)
