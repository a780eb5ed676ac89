"""`make docs`: guide, dbt's docs, column lineage and topics as pages that open from disk.

No warehouse is needed: dbt compiles against its `offline` target, and the catalog (which columns a
table has) is built from the YAML; a test compares its columns with the tables.
"""

import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ingestion.contract.strict_json import SCHEMAS
from ingestion.settings import ROOT
from orchestration.pages import guide
from orchestration.warehouse.dbt_runner import COMMON, DbtFailed, in_environment

JsonObject = dict[str, Any]


def write_docs(
    folder: Path, say: Callable[[str], None], overview: Callable[[], Mapping[str, str]] = dict
) -> Path:
    """Write all pages into `folder`, replacing its content; return the page to open.

    `overview` returns the files of the overview, which link to the pages here; none without a
    warehouse.

    Raises:
        DbtFailed: the project does not compile, or a model's columns could not be traced.
    """
    with TemporaryDirectory(prefix="twist-docs-") as work:
        target = Path(work)
        say("docs: compiling the dbt project …")
        manifest = _compiled_manifest(target)
        catalog = catalog_of(manifest)
        (target / "catalog.json").write_text(json.dumps(catalog))
        docs, pages = target / "docs", target / "pages"
        docs.mkdir()
        (docs / "dbt.html").write_text(_dbt_page(manifest, catalog))
        say("docs: tracing columns …")
        _write_lineage(target / "manifest.json", target / "catalog.json", docs / "lineage")
        shutil.copytree(SCHEMAS, docs / "schemas")
        for name, text in overview().items():
            (docs / name).write_text(text)
        guide.build_site(docs, pages, manifest)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(pages, folder)
    return folder / "index.html"


def _compiled_manifest(target: Path) -> JsonObject:
    from dbt.cli.main import dbtRunner

    command = ["docs", "generate", "--target=offline", "--empty-catalog", f"--target-path={target}"]
    with in_environment({"TWIST_ROOT": str(ROOT)}):
        answer = dbtRunner().invoke([*command, *COMMON])
    if not answer.success:
        raise DbtFailed(f"the docs could not be generated: {answer.exception or answer.result}")
    manifest: JsonObject = json.loads((target / "manifest.json").read_text())
    overview = manifest["docs"]["doc.twist.__overview__"]
    overview["block_contents"] = re.sub(
        r"\]\(([^):]+)\.md\b", r"](guide/dbt_project/docs/\1.html", overview["block_contents"]
    )
    return manifest


def catalog_of(manifest: JsonObject) -> JsonObject:
    """dbt's catalog.json from the columns documented in the YAML.

    A source that is a model of this project (earlier_…) has that model's columns; a table without
    documented columns is left out.
    """
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    sources = list(manifest["sources"].values())
    columns = {_relation(node): node["columns"] for node in [*sources, *nodes] if node["columns"]}

    def tables(found: list[JsonObject]) -> JsonObject:
        return {
            node["unique_id"]: _table(node, columns[_relation(node)])
            for node in found
            if _relation(node) in columns
        }

    metadata = manifest["metadata"] | {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"
    }
    return {
        "metadata": metadata,
        "nodes": tables(nodes),
        "sources": tables(sources),
        "errors": None,
    }


def _relation(node: JsonObject) -> tuple[str, str, str]:
    return node["database"], node["schema"], node.get("alias") or node["identifier"]


def _table(node: JsonObject, columns: JsonObject) -> JsonObject:
    database, schema, name = _relation(node)
    is_view = node["config"].get("materialized") == "view"
    return {
        "unique_id": node["unique_id"],
        "metadata": {
            "type": "VIEW" if is_view else "BASE TABLE",
            "database": database,
            "schema": schema,
            "name": name,
            "comment": None,
            "owner": None,
        },
        "columns": {
            column: {
                "type": described.get("data_type") or "varchar",
                "index": index,
                "name": column,
                "comment": None,
            }
            for index, (column, described) in enumerate(columns.items(), 1)
        },
        "stats": {},
    }


def _dbt_page(manifest: JsonObject, catalog: JsonObject) -> str:
    """dbt's own page with its data inside, as `dbt docs generate --static` makes it."""
    page = files("dbt.task.docs").joinpath("index.html").read_text()
    shown = manifest | {"parent_map": graph_of(manifest)}
    page = page.replace('"MANIFEST.JSON INLINE DATA"', json.dumps(shown))
    return page.replace('"CATALOG.JSON INLINE DATA"', json.dumps(catalog))


def graph_of(manifest: JsonObject) -> dict[str, list[str]]:
    """Each node's parents as the graph draws them: from the landing lake through staging to marts.

    What is hidden in the docs (models of one run) and the tables of earlier runs are left out; who
    reads them has their parents instead.
    """
    hidden = {
        unique_id
        for unique_id, node in (manifest["nodes"] | manifest["sources"]).items()
        if node.get("source_name", "landing") != "landing"
        or not node.get("docs", {}).get("show", True)
    }

    def drawn(unique_id: str) -> set[str]:
        parents = manifest["parent_map"].get(unique_id, ())
        return {
            each for parent in parents for each in (drawn(parent) if parent in hidden else {parent})
        }

    return {
        unique_id: [] if unique_id in hidden else sorted(drawn(unique_id))
        for unique_id in manifest["parent_map"]
    }


def _write_lineage(manifest: Path, catalog: Path, folder: Path) -> None:
    """dbt-colibri's page, by its library: its command contacts a server to find newer versions."""
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
    from dbt_colibri.report.generator import DbtColibriReportGenerator
    from sqlglot.optimizer.scope import Scope

    if not hasattr(Scope, "union_scopes"):  # what colibri 0.3 still calls set_operation_scopes
        renamed = property(lambda scope: scope.set_operation_scopes)
        Scope.union_scopes = renamed  # type: ignore[attr-defined]

    class Extractor(DbtColumnLineageExtractor):  # type: ignore[misc]  # untyped
        def get_dbt_node_from_sqlglot_table_node(self, node: Any, model: str) -> JsonObject | None:
            """A relation that is both a model and a source resolves to this model's dependency."""
            found: JsonObject | None = super().get_dbt_node_from_sqlglot_table_node(node, model)
            if found:
                found["dbt_node"] = _as_read_by(self.manifest, model, found["dbt_node"])
            return found

        def _get_parent_nodes_catalog(self, model_info: JsonObject) -> JsonObject:
            parents: JsonObject = super()._get_parent_nodes_catalog(model_info)
            parents["nodes"] = parents["nodes"] | {"watermarks": _WATERMARKS}
            return parents

    log = logging.getLogger("colibri")
    log.setLevel(logging.ERROR)
    log.propagate = False
    complaints = _Complaints()
    log.addHandler(complaints)
    try:
        extractor = Extractor(str(manifest), str(catalog))
        report = DbtColibriReportGenerator(extractor, disable_telemetry=True)
        report.generate_report(output_dir=str(folder))
    finally:
        log.removeHandler(complaints)
    if complaints.found:
        raise DbtFailed("columns could not be traced:\n" + "\n".join(complaints.found))


def _as_read_by(manifest: JsonObject, model: str, parent: str) -> str:
    known = manifest["nodes"] | manifest["sources"]
    read = known[model]["depends_on"]["nodes"]
    if parent in read or parent not in known:
        return parent
    return next((n for n in read if _relation(known[n]) == _relation(known[parent])), parent)


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


_WATERMARKS = _table(
    {
        "unique_id": "watermarks",
        "database": "twist",
        "schema": "audit",
        "alias": "watermarks",
        "config": {},
    },
    {"model_name": {"data_type": "varchar"}, "load_id": {"data_type": "bigint"}},
)
"""The table that load_id() reads by name, so that it is not a parent of every model."""
