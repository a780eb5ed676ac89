"""What this project's own files keep to, and that each check finds what it is there for."""

import copy
import fcntl
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from ingestion.lake.arrow_rows import OBJECTS_SQL
from ingestion.settings import ROOT, Settings
from orchestration.warehouse.dbt_runner import COMMON
from tests import conventions
from tests.harness.checkout import known_files
from tests.harness.referee_marts import KEYS
from tests.harness.tables import MARTS

FOLDERS = {"ingestion", "dbt_project", "orchestration", "expectations", "docker", "tests"}
PROJECT_FILES = r"Makefile|LICENSE|pyproject\.toml|requirements(-run)?\.lock|[A-Z]+\.md|\..*"
NO_GRAIN = {
    "twist_now": "one row",
    "fct_twist_public": "a view: the rows of fct_twist",
    "missing_offsets": "a view: the ranges between those of landed_offsets",
}
OTHERWISE_COMPARED = {
    "fct_twist_public": "columns of fct_twist",
    "twist_below_band": "its unit test: the referee's histories are too short",
    "twist_now": "its unit test: it follows the clock",
}
NOT_IN_THE_EXAMPLE = {
    "TWIST_ROOT": "the checkout; make and the commands set it",
    "TWIST_SWEEP": "one load's own: make load SWEEP=1",
    "TWIST_DEBUG": "one command's own: it shows the traceback",
    "TWIST_TERADATA_PASSWORD": "belongs into the environment alone",
}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Every text file of the checkout that git knows or would add, by path."""
    # With its folder named, git serves a user who did not make the clone, too.
    texts = {}
    for path in known_files():
        content = (ROOT / path).read_bytes() if (ROOT / path).is_file() else b"\0"
        if b"\0" not in content:
            texts[path] = content.decode()
    return texts


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Any]:
    """dbt's manifest with the SQL it compiles without a warehouse, made once for all workers."""
    folder = tmp_path_factory.getbasetemp()
    target = (folder if worker_id == "master" else folder.parent) / "offline"
    target.mkdir(exist_ok=True)
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "done").exists():
            answer = dbtRunner().invoke(
                ["compile", "--target=offline", f"--target-path={target}", *COMMON]
            )
            assert answer.success, answer.exception
            (target / "done").touch()
    compiled: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return compiled


def sql_files(files: dict[str, str], *folders: str) -> Iterator[tuple[str, str]]:
    starts = tuple(f"dbt_project/{folder}/" for folder in folders)
    return ((path, text) for path, text in files.items() if path.startswith(starts))


def test_there_are_six_folders_and_the_project_files(files: dict[str, str]) -> None:
    tops = {path.split("/")[0]: "/" in path for path in files}
    assert {name for name, is_folder in tops.items() if is_folder and name[0] != "."} <= FOLDERS
    stray = [n for n, folder in tops.items() if not folder and not re.fullmatch(PROJECT_FILES, n)]
    assert stray == []


@pytest.mark.parametrize(
    "check",
    [
        conventions.naming_faults,
        conventions.layering_faults,
        conventions.description_faults,
        conventions.contract_faults,
    ],
)
def test_models_keep_to_the_conventions(check: Any, manifest: dict[str, Any]) -> None:
    assert check(manifest) == []


def test_the_incremental_machinery_is_small_and_knows_no_model(
    manifest: dict[str, Any], files: dict[str, str]
) -> None:
    folder = "dbt_project/macros/incremental/"
    macros = {path: text for path, text in files.items() if path.startswith(folder)}
    writing = "dbt_project/macros/cross_engine/duckdb_incremental.sql"
    assert conventions.knowing_faults(manifest, macros | {writing: files[writing]}) == []
    assert sum(text.count("\n") for text in macros.values()) <= 250
    knowing = {"m.sql": "{# view_id #} select view_hour, load_id from views_by_state"}
    assert conventions.knowing_faults(manifest, knowing) == [
        "m.sql: names view_hour",
        "m.sql: names views_by_state",
    ]


def test_a_mart_depends_on_few_macros(manifest: dict[str, Any]) -> None:
    assert conventions.macros_behind_faults(manifest) == []
    fact = manifest["nodes"]["model.twist.fct_twist"]
    assert {"within", "hour_start"} <= conventions.macros_behind(manifest, fact), "also indirectly"
    bad = copy.deepcopy(manifest)
    added = ["setting", "whole_quotient", "is_human", "text_type"]
    bad["nodes"]["model.twist.fct_twist"]["depends_on"]["macros"] += [
        f"macro.twist.{name}" for name in added
    ]
    assert [fault.split(" (")[0] for fault in conventions.macros_behind_faults(bad)] == [
        "fct_twist: depends on 17 macros, 12 are allowed"
    ]


def test_each_mart_is_compared_with_the_referee_and_has_its_row_in_the_readme(
    manifest: dict[str, Any], files: dict[str, str]
) -> None:
    compared = {name for name in KEYS if name in MARTS} | OTHERWISE_COMPARED.keys()
    readme = files["README.md"]
    assert conventions.mart_faults(manifest, compared, readme) == []
    readme = readme.replace("`marts.twist_daily`", "")
    assert conventions.mart_faults(manifest, compared - {"fct_twist"}, readme) == [
        "fct_twist: not compared with the referee (CONTRIBUTING.md, Add a mart)",
        "twist_daily: no row in README.md",
    ]


def test_each_column_of_a_person_says_so(manifest: dict[str, Any]) -> None:
    assert conventions.personal_faults(manifest) == []
    bad = copy.deepcopy(manifest)
    bad["nodes"]["model.twist.fct_twist"]["columns"]["visitor_id"]["meta"] = {}
    public = bad["nodes"]["model.twist.fct_twist_public"]["columns"]
    public["customer_mail"] = public["channel"]
    assert conventions.personal_faults(bad) == [
        "fct_twist.visitor_id: looks personal, and has no meta: {personal_data: …}",
        "fct_twist_public.customer_mail: looks personal, and has no meta: {personal_data: …}",
    ]
    named = {"meta": {"personal_data": "the visitor"}}
    fact = bad["nodes"]["model.twist.fct_twist"]["columns"]
    fact["url"] = fact["channel"] | {"meta": {"personal_data": "an address"}}
    assert any("fct_twist.url: make forget leaves it" in each
               for each in conventions.personal_faults(bad))  # fmt: skip
    public["customer_mail"] = public["channel"] | named
    assert "fct_twist_public.customer_mail: no person may be in a public view" in (
        conventions.personal_faults(bad)
    )


def test_every_grain_is_tested(manifest: dict[str, Any]) -> None:
    assert conventions.grain_faults(manifest, NO_GRAIN) == []


def test_faults_of_models_are_found(manifest: dict[str, Any]) -> None:
    bad = copy.deepcopy(manifest)
    hourly = bad["nodes"]["model.twist.fct_twist_hourly"]
    hourly["name"] = "int_hours"
    hourly["depends_on"]["nodes"].append("model.twist.load_listing")
    hourly["contract"]["enforced"] = False
    hourly["columns"]["views"]["description"] = ""
    hourly["config"]["unique_key"] = ["view_hour"]
    bad["nodes"]["model.twist.int_calendar__open_days"]["columns"]["open_date"]["data_type"] = None
    assert conventions.naming_faults(bad)[0].startswith("int_hours: a model in marts/ is named")
    assert conventions.layering_faults(bad) == [
        "int_hours: marts may not read load (model.twist.load_listing)"
    ]
    assert conventions.contract_faults(bad) == ["int_hours: a mart without an enforced contract"]
    assert sorted(conventions.description_faults(bad)) == [
        "int_calendar__open_days.open_date: no data_type",
        "int_hours.views: no description",
    ]
    grains = {fault.split(":")[0] for fault in conventions.grain_faults(bad, {})}
    assert grains == {"int_hours", *NO_GRAIN}


def test_models_return_the_columns_that_their_yaml_names(manifest: dict[str, Any]) -> None:
    assert column_faults(manifest) == []


def test_a_column_that_yaml_and_sql_disagree_about_is_found(manifest: dict[str, Any]) -> None:
    bad = copy.deepcopy(manifest)
    bad["nodes"]["model.twist.dim_sku"]["columns"]["price"]["data_type"] = "bigint"
    columns = bad["nodes"]["model.twist.fct_lost_demand_hourly"]["columns"]
    columns["lost_views"]["name"] = "gained_views"
    found = {fault.split(":")[0] for fault in column_faults(bad)}
    assert found >= {"dim_sku", "fct_lost_demand_hourly", "lost_sales_hourly"}, "its readers too"


def column_faults(manifest: dict[str, Any]) -> list[str]:
    """Models whose compiled SQL gives other columns or types than their YAML, asked of DuckDB.

    Every table stands empty, as its YAML describes it.
    """
    database = duckdb.connect()
    database.execute("attach ':memory:' as twist")
    for name, arguments, returned in (
        ("lake_list", "topic, since", OBJECTS_SQL),
        ("lake_json_number", "line, field", "varchar"),
    ):
        database.execute(f"create macro {name}({arguments}) as cast(null as {returned})")
    described = [n for n in (*manifest["nodes"].values(), *manifest["sources"].values())
                 if n["resource_type"] in ("model", "source", "seed") and n["columns"]]  # fmt: skip
    for node in described:
        columns = [f"{c['name']} {c['data_type'] or 'varchar'}" for c in node["columns"].values()]
        database.execute(f"create schema if not exists {node['database']}.{node['schema']}")
        kind = "temp table" if node["database"] == "temp" else "table"
        database.execute(f"create {kind} {node['relation_name']} ({', '.join(columns)})")
    faults = []
    for node in conventions.models(manifest):
        yaml = database.execute(f"describe {node['relation_name']}").fetchall()
        try:
            sql = database.execute(f"describe {node['compiled_code']}").fetchall()
        except duckdb.Error as error:
            faults.append(f"{node['name']}: {error}")
            continue
        differing = {row[:2] for row in yaml} ^ {row[:2] for row in sql}
        if differing:
            faults.append(f"{node['name']}: YAML and SQL differ in {sorted(differing)}")
    return sorted(faults)


def test_no_file_is_too_long(files: dict[str, str]) -> None:
    assert conventions.size_faults(files) == []
    long = {"dbt_project/models/marts/x.sql": "\n" * 121, "dbt_project/macros/y.sql": "\n" * 150,
            "tests/z.py": "\n" * 351, "docker/compose.yaml": "\n" * 250}  # fmt: skip
    assert len(conventions.size_faults(long)) == 2


def test_no_function_ignores_null_on_one_engine_only(files: dict[str, str]) -> None:
    found = sql_files(files, "models", "macros", "tests")
    assert [fault for path, text in found for fault in conventions.null_faults(path, text)] == []
    assert len(conventions.null_faults("x.sql", "select LEAST (a, b), greatest(a, b) from c")) == 2


def test_no_ref_is_aliased(files: dict[str, str]) -> None:
    found = sql_files(files, "models", "macros", "tests")
    assert [fault for path, text in found for fault in conventions.alias_faults(path, text)] == []
    assert conventions.alias_faults("x", "from {{ ref('a') }} as b")
    assert conventions.alias_faults("x", "{% set q = 'from ' ~ ref('a') ~ ' as b' %}")
    assert not conventions.alias_faults("x", "with b as (select * from {{ ref('a') }})")


def test_models_speak_no_dialect(files: dict[str, str]) -> None:
    sql = list(sql_files(files, "models", "tests"))
    faults = [f for path, text in sql if path.endswith(".sql")
              for f in conventions.dialect_faults(path, text)]  # fmt: skip
    assert faults == []
    assert len(conventions.dialect_faults("x", "select a::int from b Limit 1")) == 2
    assert not conventions.dialect_faults("x", "-- a limit\nselect 'a::b limit' as speed_limits")


def test_macros_are_explained_and_refuse_unknown_engines(files: dict[str, str]) -> None:
    macros = list(sql_files(files, "macros"))
    assert [fault for path, text in macros for fault in conventions.macro_faults(path, text)] == []
    silent = "{% macro x() %}{{ adapter.dispatch('x')() }}{% endmacro %}{% macro default__x() %}"
    assert len(conventions.macro_faults("x", silent)) == 2


def test_every_variable_is_in_the_example(files: dict[str, str]) -> None:
    read = {f"TWIST_{name.upper()}" for name in Settings.model_fields}
    read |= set(re.findall(r"env_var\('(TWIST_\w+)'", files["dbt_project/profiles.yml"]))
    read |= set(re.findall(r"\$\{(TWIST_\w+)", files["docker/compose.yaml"]))
    for _, text in sql_files(files, "macros", "models"):
        read |= {f"TWIST_{name.upper()}" for name in re.findall(r"setting\('(\w+)'\)", text)}
    shown = re.findall(r"(?m)^(TWIST_\w+)=", files[".env.example"])
    assert conventions.variable_faults(read - set(NOT_IN_THE_EXAMPLE), shown) == []
    assert conventions.variable_faults(["TWIST_A"], ["TWIST_B"]) == [
        "TWIST_A: not in .env.example", "TWIST_B: in .env.example, and nothing reads it",
    ]  # fmt: skip


def test_nothing_names_a_machine_or_a_registry(files: dict[str, str]) -> None:
    faults = [f for path, text in files.items() for f in conventions.place_faults(path, text)]
    assert faults == []
    assert conventions.place_faults("x", "see /" + "work/notes") == ["x:1: /" + "work/"]
    assert conventions.place_faults("x", "ok\n# from https://pypi" + ".org/simple")
    assert not conventions.place_faults("x", "the frame/work/of rules")


def test_only_duckdbs_own_sqlite_opens_the_catalog(files: dict[str, str]) -> None:
    """Two copies of SQLite in one process take each other's locks away (warehouse/attach.py)."""
    code = [path for path in files if path.endswith(".py")]
    assert "orchestration/warehouse/attach.py" in code
    found = [path for path in code if re.search(r"(?m)^\s*(import|from) sqlite3", files[path])]
    assert found == ["orchestration/erasure/vacuum.py", "tests/unit/test_erasure.py"], (
        "the first is a process of its own, the second has no DuckLake"
    )
    assert not any("erasure.vacuum" in files[path] for path in code if "orchestration" in path)


def test_every_verb_of_make_is_described(files: dict[str, str]) -> None:
    assert conventions.makefile_faults(files["Makefile"]) == []
    assert conventions.makefile_faults(".PHONY: a\na:\n\nb: ## says\n") == [
        "make a: no description", "make b: not .PHONY",
    ]  # fmt: skip


def test_sqlfluff_objects_to_a_badly_written_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlfluff")
    monkeypatch.setenv("HOME", str(tmp_path))  # it fails without one
    from sqlfluff.core import FluffConfig, Linter

    linter = Linter(config=FluffConfig.from_path(str(ROOT)))
    good = "select\n    view_id,\n    views\nfrom {{ ref('fct_twist') }}\n"
    bad = "SELECT view_id ,count( * ) total from {{ ref('fct_twist') }} v\n"
    assert linter.lint_string(good).get_violations() == []
    codes = {violation.rule_code() for violation in linter.lint_string(bad).get_violations()}
    assert {"CP01", "LT01", "AL01", "AL02"} <= codes
