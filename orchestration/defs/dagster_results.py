"""What dbt did, as Dagster's results: materializations with rows and bytes, and check results."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.pages.overview.publish import sql_views_exist
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.run_results import NodeRun, failed_rows, table_sizes

UNIQUE_ID = "dagster_dbt/unique_id"


def materialized(
    dbt: Dbt, specs: Iterable[dg.AssetSpec], nodes: Mapping[str, NodeRun]
) -> Iterator[dg.MaterializeResult[Any]]:
    """Report every asset in `specs` as up to date, except those that failed.

    A load leaves every table up to date, also those without changes: these have no seconds.
    The overview's SQL views are not part of a load: left out until the first page creates them.
    """
    no_views = not sql_views_exist(dbt.settings)
    good = [
        spec
        for spec in _upstream_first(specs)
        if _status(spec, nodes) == "success"
        or (_status(spec, nodes) is None and not (no_views and spec.key.path[0] == "overview"))
    ]
    sizes = table_sizes(dbt, [(spec.key.path[0], spec.key.path[-1]) for spec in good])
    for spec in good:
        metadata: dict[str, Any] = {}
        size = sizes.get((spec.key.path[0], spec.key.path[-1]))
        if size:
            metadata |= {"dagster/row_count": size.rows, "bytes": size.bytes, "files": size.files}
        node = nodes.get(str(spec.metadata[UNIQUE_ID]))
        if node:
            metadata["seconds"] = round(node.seconds, 3)
        yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)


def _upstream_first(specs: Iterable[dg.AssetSpec]) -> list[dg.AssetSpec]:
    """Dagster accepts the results of one step only in this order."""
    by_key = {spec.key: spec for spec in specs}
    order = TopologicalSorter(
        {key: [dep.asset_key for dep in spec.deps] for key, spec in by_key.items()}
    )
    return [by_key[key] for key in order.static_order() if key in by_key]


def _status(spec: dg.AssetSpec, nodes: Mapping[str, NodeRun]) -> str | None:
    node = nodes.get(str(spec.metadata[UNIQUE_ID]))
    return node.status if node else None


def checked(
    dbt: Dbt, specs: Iterable[dg.AssetCheckSpec], nodes: Mapping[str, NodeRun]
) -> Iterator[dg.AssetCheckResult]:
    """The results of the dbt tests that ran, with the rows that failed."""
    for spec in specs:
        test = nodes.get(str((spec.metadata or {})[UNIQUE_ID]))
        if test is None:
            continue
        passed = test.status == "pass"
        metadata: dict[str, Any] = {"seconds": round(test.seconds, 3), "failures": test.failures}
        if not passed:
            metadata["failed rows"] = dg.MetadataValue.md(failed_rows(dbt.settings, test))
        yield dg.AssetCheckResult(
            asset_key=spec.asset_key,
            check_name=spec.name,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN
            if test.status == "warn"
            else dg.AssetCheckSeverity.ERROR,
            description=None
            if passed
            else " ".join(filter(None, (spec.description, test.message))),
            metadata=metadata,
        )


def as_materialization(result: dg.MaterializeResult[Any]) -> dg.AssetMaterialization:
    """The same, for an op that reports many times."""
    assert result.asset_key
    return dg.AssetMaterialization(result.asset_key, metadata=result.metadata)


def as_evaluation(result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    """The same, for an op that reports many times, and for sensors."""
    assert result.asset_key
    assert result.check_name
    return dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
