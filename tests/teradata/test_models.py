"""All models and data tests render for Teradata without a server and break none of its rules."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.settings import ROOT, Settings
from orchestration.warehouse.teradata_setup import script
from tests.teradata.rules import check

PROJECT = ROOT / "dbt_project"
VIEWS = {
    *("dim_sku", "stock_daily", "twist_now", "dim_hour", "dim_product", "lost_sales_hourly"),
    *("fct_stockouts", "twist_below_band", "fct_twist_public"),
} | {path.stem for path in PROJECT.glob("models/overview/*.sql")}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of everything that dbt compiles for target teradata, offline."""
    target = tmp_path_factory.mktemp("teradata")
    subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-use-colors"),
            *("--no-send-anonymous-usage-stats", "compile", "--target", "teradata"),
            *("--no-populate-cache", "--no-introspect", "--target-path", str(target)),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return target / "compiled" / "twist"


def test_every_model_compiles_for_teradata(compiled: Path) -> None:
    written = {path.stem for path in PROJECT.glob("models/**/*.sql")}
    assert {path.stem for path in compiled.glob("models/**/*.sql")} >= written


def test_the_set_up_grants_each_database_what_its_views_read(compiled: Path) -> None:
    """A view's database must hold SELECT with grant option on what the view reads elsewhere."""
    manifest = json.loads((compiled.parents[1] / "manifest.json").read_text())
    found = manifest["nodes"] | manifest["sources"]
    views = [n for n in manifest["nodes"].values() if n["config"]["materialized"] == "view"]
    needed = {
        (found[read]["schema"], view["schema"])
        for view in views
        for read in view["depends_on"]["nodes"]
        if found[read]["schema"] != view["schema"]
    }
    page = script(Settings(_env_file=None))
    granted = re.findall(r"^grant select on (\w+) +to (\w+) +with grant option;", page, re.M)
    assert set(granted) == needed


def test_no_compiled_statement_breaks_a_rule_of_teradata(compiled: Path) -> None:
    findings = [
        f"{path.relative_to(compiled)}: {finding}"
        for path in sorted(compiled.glob("**/*.sql"))
        for finding in check(path.read_text(), kind="view" if path.stem in VIEWS else "table")
    ]
    assert not findings, "\n".join(findings)
