"""dbt from a shell on a built warehouse, with nothing but the settings and no load before it."""

import json
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import Settings
from orchestration.warehouse.engines import open_reader
from orchestration.warehouse.load import load as load_all
from tests.harness.checkout import DBT, TWIST, Checkout
from tests.harness.given import load, sku, stock, view
from tests.harness.pipeline import Pipeline, differences
from tests.harness.referee import referee

STAGING = "dbt_project/models/staging/stg_clickstream__events.sql"
YAML = "dbt_project/models/staging/_staging__models.yml"
FACT = "dbt_project/models/marts/fct_twist.sql"
FACTS = "dbt_project/models/marts/_marts__facts.yml"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout.make(tmp_path_factory.mktemp("by-hand"))
    made.twist("load")
    return made


@pytest.mark.ci
def test_compile_show_and_docs_work_on_a_built_warehouse(checkout: Checkout) -> None:
    compiled = checkout.dbt("compile", "--select", "fct_lost_demand_hourly")
    assert "where 1 = 1" in compiled, "computes everything: no run has said what changed"
    assert "temp." not in compiled
    for model in ("fct_twist", "int_stock__sku_states", "twist_now"):
        shown = checkout.dbt("show", "--quiet", "--select", model, "--output", "json")
        assert json.loads(shown[shown.index("{") :])["show"], model
    dbt = (str(Path(sys.executable).with_name("dbt")), "show", "--select", "fct_twist")
    above = ("--project-dir", "dbt_project", "--profiles-dir", "dbt_project")
    assert "view_id" in checkout.run(*dbt, *above), "from the folder above the project"
    checkout.dbt("docs", "generate")
    catalog = json.loads((checkout.root / "dbt_project/target/catalog.json").read_text())
    assert "model.twist.fct_twist" in catalog["nodes"]


@pytest.mark.ci
@pytest.mark.parametrize("command", ["show", "build"])
def test_without_a_warehouse_dbt_says_so_and_creates_none(checkout: Checkout, command: str) -> None:
    said = checkout.attempt(*DBT, command, "--select", "fct_twist", TWIST_WAREHOUSE="elsewhere")
    assert said.returncode != 0
    assert f"there is no warehouse in {checkout.root}/elsewhere: run `make load`" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr
    assert not (checkout.root / "elsewhere").exists()


@pytest.mark.ci
@pytest.mark.parametrize("name", ["conversion_min_units", "landing_slack_hours"])
def test_a_setting_that_only_the_file_has_is_refused_with_the_cure(
    checkout: Checkout, name: str
) -> None:
    file = checkout.root / ".env"
    file.write_text(f"TWIST_{name.upper()}=5\n")
    try:
        said = checkout.attempt(*DBT, "run", "--select", "twist_now")
    finally:
        file.unlink()
    assert said.returncode != 0
    assert (
        f"TWIST_{name.upper()} is set in .env, but dbt does not read .env: run `set" in said.stdout
    )


@pytest.mark.ci
def test_a_run_with_empty_tries_the_sql_and_changes_nothing(checkout: Checkout) -> None:
    """Without inputs all published rows would be gone, and a view would stay without rows."""
    tables = ("twist_daily", "fct_twist_hourly", "stockout_daily", "dim_sku", "audit.watermarks")
    hashes = ", ".join(f"(select sum(hash(t)) from {name} as t)" for name in tables)
    before = checkout.twist("sql", f"select {hashes}")
    models = ("changed", "intermediate", "marts")
    checkout.dbt("run", "--empty", "--select", *models)
    assert checkout.twist("sql", f"select {hashes}") == before
    checkout.dbt("run", "--empty", "--full-refresh", "--select", *models)
    assert checkout.twist("sql", f"select {hashes}") == before


@pytest.mark.ci
def test_no_model_compares_each_row_of_a_table_with_each_of_another(checkout: Checkout) -> None:
    """Such a join is fast here and takes hours in a shop; DuckDB plans one for conditions that it
    cannot hash, as of a left join on `a.x is null and a.y = b.y`.
    """
    checkout.dbt("compile")
    manifest = json.loads((checkout.root / "dbt_project/target/manifest.json").read_text())
    compiled = {
        node["name"]: node["compiled_code"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("intermediate", "marts")
    }
    assert len(compiled) > 20
    settings = Settings(_env_file=None, warehouse=str(checkout.root / ".data" / "warehouse"))
    with closing(open_reader(settings)) as reader:
        planted = "range(9) as a (x) left join range(9) as b (x) on a.x is null and a.x = b.x"
        assert joins_row_by_row(reader, f"from {planted}")
        assert [name for name, code in compiled.items() if joins_row_by_row(reader, code)] == []


def joins_row_by_row(reader: duckdb.DuckDBPyConnection, sql: str) -> bool:
    ((_, plan),) = reader.execute(f"explain {sql}").fetchall()
    return "BLOCKWISE_NL_JOIN" in plan


@pytest.mark.ci
def test_a_model_that_is_taken_out_with_its_unit_test_leaves_nothing_in_dbts_memory(
    checkout: Checkout,
) -> None:
    """dbt's partial parse keeps a unit test that was renamed, and then misses its model."""
    model = checkout.root / "dbt_project/models/marts/tried.sql"
    model.write_text("select view_id from {{ ref('fct_twist') }}\n")
    yaml, tests = (model.with_name(f"_marts__{name}.yml") for name in ("sales", "unit_tests"))
    before = yaml.read_text(), tests.read_text()
    column = "columns: [{name: view_id, data_type: varchar}]"
    yaml.write_text(f"{before[0]}\n  - name: tried\n    {column}\n")
    for name in ("tried", "renamed"):
        example = f"  - name: {name}\n    model: tried\n    given: []\n    expect: {{rows: []}}\n"
        tests.write_text(f"{before[1]}\n{example}")
        checkout.dbt("parse")
    model.unlink()
    yaml.write_text(before[0])
    tests.write_text(before[1])
    checkout.twist("load")


@pytest.mark.ci
def test_a_new_column_of_staging_and_of_the_fact_is_added_and_filled_from_then_on(
    checkout: Checkout,
) -> None:
    checkout.edit(
        STAGING,
        "    lines.event_type,\n",
        "    lines.event_type,\n    upper(lines.event_type) as event_kind,\n",
    )
    checkout.land_later()
    refused = checkout.attempt(*TWIST, "load")
    assert refused.returncode == 1
    assert "event_kind" in refused.stderr, "a column that only the SQL has is named"

    checkout.edit(
        YAML,
        "      - name: event_type\n",
        "      - name: event_kind\n        data_type: varchar(32)\n"
        "        description: In capitals.\n"
        "      - name: event_type\n",
    )
    checkout.edit(FACT, "    'visitor_id',\n", "    'visitor_id',\n    'event_kind',\n")
    checkout.edit(
        FACTS,
        "      - name: in_stock_share\n",
        "      - name: event_kind\n        data_type: varchar(32)\n"
        "        config: {meta: {personal_data: a try}}\n"
        "        description: In capitals.\n"
        "      - name: in_stock_share\n",
    )
    checkout.twist("load")
    hours = checkout.twist(
        "sql",
        "select hour(event_ts) as hour, count(event_kind) > 0 as filled "
        "from staging.stg_clickstream__events group by all order by all",
    )
    assert hours == "hour,filled\n0,false\n1,true\n"
    seen = "count(*) > 0 as seen, count(event_kind) = count(*) as filled"
    views = checkout.twist(
        "sql", f"select hour(view_ts) as hour, {seen} from fct_twist group by all order by all"
    )
    assert views == "hour,seen,filled\n0,true,false\n1,true,true\n"

    # A column that holds a person, by its YAML, leaves with the person.
    new = "from fct_twist where event_kind is not null"
    who = checkout.twist(
        "sql", f"select any_value(visitor_id) as who, count(*) as all_views {new}"
    ).splitlines()[1].split(",")  # fmt: skip
    own = checkout.twist("sql", f"select count(*) as n {new} and visitor_id = '{who[0]}'")
    checkout.twist("forget", "--visitor", who[0], "--why", "asked")
    left = checkout.twist("sql", f"select count(*) as n {new}")
    assert int(left.split()[1]) == int(who[1]) - int(own.split()[1]) < int(who[1])


@pytest.mark.ci
def test_a_run_of_some_models_leaves_nothing_for_the_next_load_to_miss(tmp_path: Path) -> None:
    """It makes changed_lost_hours without changed_style_days, so that hours are missing in it."""
    shop = Pipeline(tmp_path / "shop")
    steps = [
        load(sku("a"), sku("b"), stock("02 08:00", "a", 1), stock("02 08:00", "b", 1),
             view("02 10:00"), view("02 11:00")),
        load(stock("02 10:30", "a", 0), view("02 12:00")),
    ]  # fmt: skip
    shop.deliver(steps[0])
    shop.load()
    shop.deliver(steps[1])
    load_all(shop.settings, shop.dbt, lambda _: None, compute=False)
    shop.dbt.run("run", "--select", "fct_twist+")
    made = dict(shop.query("select model_name, load_id from temp.main.watermarks"))
    assert made["changed_view_hours"] == made["this run"]
    assert made["changed_lost_hours"] == 0
    shop.load()
    assert differences(shop, referee(steps)) == []
    shop.close()


@pytest.mark.ci
def test_the_examples_of_the_metric_pass_and_each_changed_rule_fails_one(
    checkout: Checkout,
) -> None:
    examples = ("test", "--select", "test_type:unit")
    assert "PASS=0" not in checkout.dbt(*examples)
    for model, rule, changed, example in (
        ("fct_twist", "view_ts >= state_hours", "view_ts > state_hours", "from_its_very_instant"),
        ("fct_twist", " and is_human = 1", "", "bots_and_other_events"),
        ("lost_demand_by_state", "in_stock = 0", "in_stock = 1", "lost_to_the_skus"),
        ("twist_daily", "products.brand", "products.department", "of_their_utc_day"),
    ):
        path = f"dbt_project/models/marts/{model}.sql"
        text = (checkout.root / path).read_text()
        (checkout.root / path).write_text(text.replace(rule, changed))
        answer = checkout.attempt(*DBT, *examples)
        (checkout.root / path).write_text(text)
        assert text.count(rule) >= 1
        assert answer.returncode == 1, rule
        assert example in answer.stdout, rule
