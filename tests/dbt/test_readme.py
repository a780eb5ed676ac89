"""The README's worked example, done on a copy of the project as the README says it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.settings import ROOT
from ingestion.simulation.simulator import RetailerConfig, write_landing

README = (ROOT / "README.md").read_text()


def example() -> str:
    found = re.search(r"## Add a column to the fact\n(.*?)\n## ", README, re.DOTALL)
    assert found
    return found[1]


def run(copy: Path, *argv: str, cwd: str = ".") -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
    done = subprocess.run(
        [*argv],
        cwd=copy / cwd,
        env={**environment, "PYTHONPATH": str(copy), "TWIST_LANDING": str(copy / "landing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_column_is_added_to_the_fact_in_one_model_and_one_yaml_file(tmp_path: Path) -> None:
    for folder in ("ingestion", "orchestration", "dbt_project"):
        kept = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=kept)
    write_landing(RetailerConfig(views=300, styles=10, locations=5, hours=2), tmp_path / "landing")
    for hour in list((tmp_path / "landing").rglob("hour=01")):
        shutil.move(hour, tmp_path / "later" / hour.relative_to(tmp_path / "landing"))
    twist = [sys.executable, "-m", "orchestration"]
    run(tmp_path, *twist, "load")

    column, after = re.findall(r"`(views\.\w+,)`", example())
    model = tmp_path / "dbt_project" / "models" / "marts" / "fct_twist.sql"
    sql = model.read_text()
    assert sql.count(after) == 1
    model.write_text(sql.replace(after, f"{after}\n    {column}"))
    block = re.search(r"```yaml\n(.*?\n) *```", example(), re.DOTALL)
    assert block
    page = tmp_path / "dbt_project" / "models" / "marts" / "_marts__facts.yml"
    fact, rest = page.read_text().split("      - name: visitor_id\n", 1)
    own, others = rest.split("      - name: ", 1)
    page.write_text(f"{fact}      - name: visitor_id\n{own}{block[1]}      - name: {others}")

    command = re.search(r"cd dbt_project && (\S+dbt) (build .*)", example())
    assert command
    run(tmp_path, str(Path(sys.executable).parent / "dbt"), *command[2].split(), cwd="dbt_project")
    count = "select count(*) = count(url) and count(*) > 0 as filled from fct_twist"
    assert run(tmp_path, *twist, "sql", count) == "filled\ntrue\n"

    # And taken out again: the column stays in the table, and loads go on without it.
    shutil.copy(ROOT / model.relative_to(tmp_path), model)
    shutil.copy(ROOT / page.relative_to(tmp_path), page)
    shutil.copytree(tmp_path / "later", tmp_path / "landing", dirs_exist_ok=True)
    run(tmp_path, *twist, "load")
    later = (
        "select count(*) > 0 and count(url) = 0 as empty from fct_twist "
        "where view_ts >= timestamp '2026-11-01 01:05:00'"
    )
    assert run(tmp_path, *twist, "sql", later) == "empty\ntrue\n"
