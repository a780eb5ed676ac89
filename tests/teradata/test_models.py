"""All models and data tests render for Teradata without a server and break none of its rules."""

import re
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import ROOT, Settings
from orchestration.warehouse.dbt_runner import COMMON, environment, in_environment
from orchestration.warehouse.teradata_setup import script
from tests.harness.warm import warm_runner
from tests.teradata import emulator
from tests.teradata.rules import check

PROJECT = ROOT / "dbt_project"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of everything that dbt compiles for target teradata; there is no system."""
    target = tmp_path_factory.mktemp("teradata")
    emulator.install()
    emulator.driver.system = None
    settings = Settings(_env_file=None, target="teradata")
    with in_environment(environment(settings)):
        answer = warm_runner("teradata").invoke(
            ["compile", "--no-populate-cache", "--no-introspect", "--target-path", str(target),
             *COMMON]
        )  # fmt: skip
    assert answer.success, answer.exception
    return target / "compiled" / "twist"


def views() -> list[Any]:
    manifest: Any = warm_runner("teradata").manifest
    return [node for node in manifest.nodes.values() if node.config.materialized == "view"]


def test_every_model_compiles_for_teradata(compiled: Path) -> None:
    written = {path.stem for path in PROJECT.glob("models/**/*.sql")}
    assert {path.stem for path in compiled.glob("models/**/*.sql")} >= written


def test_the_set_up_grants_each_database_what_its_views_read() -> None:
    """A view's database must hold SELECT with grant option on what the view reads elsewhere."""
    manifest: Any = warm_runner("teradata").manifest
    found = manifest.nodes | manifest.sources
    needed = {
        (found[read].schema, view.schema)
        for view in views()
        for read in view.depends_on.nodes
        if found[read].schema != view.schema
    }
    page = script(Settings(_env_file=None))
    granted = re.findall(r"^grant select on (\w+) +to (\w+) +with grant option;", page, re.M)
    assert set(granted) == needed


def test_no_compiled_statement_breaks_a_rule_of_teradata(compiled: Path) -> None:
    of_views = {view.name for view in views()}
    findings = [
        f"{path.relative_to(compiled)}: {finding}"
        for path in sorted(compiled.glob("**/*.sql"))
        for finding in check(path.read_text(), kind="view" if path.stem in of_views else "table")
    ]
    assert not findings, "\n".join(findings)
