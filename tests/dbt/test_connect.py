"""What "Connect your tool" promises: the notebook, the example, MetricFlow's answers."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import ROOT
from orchestration.warehouse.dbt_runner import environment
from orchestration.warehouse.engines import open_reader
from tests.harness.pipeline import Pipeline
from tests.harness.small_shop import days
from tests.orchestration.conftest import free

DOCS = ROOT / "dbt_project" / "docs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    made = Pipeline(Path(tmp_path_factory.mktemp("connect")) / "shop")
    made.deliver(days())
    made.load()
    free(made)
    yield made
    made.close()


def test_the_notebook_draws_a_day(shop: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(shop.settings).items():
        monkeypatch.setenv(name, value)
    notebook = json.loads((DOCS / "twist_day.ipynb").read_text())
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert names["hours"]
    assert names["svg"].startswith("<svg")


def test_the_example_of_the_page_has_one_total(shop: Pipeline) -> None:
    found = re.search(r"```sql\n(select products.*?)```", (DOCS / "connect.md").read_text(), re.S)
    assert found
    reader = open_reader(shop.settings)
    rows = reader.execute(found[1]).fetchall()
    ((lost,),) = reader.execute("select sum(lost_views) from lost_sales_hourly").fetchall()
    reader.close()
    assert sum(row[1] for row in rows) == lost > 0


@pytest.mark.parametrize(
    ("metrics", "by", "sql"),
    [
        (
            "twist,known_rate,views",
            "metric_time__day,product__brand",
            """
            select cast(view_hour as date), brand,
                sum(in_stock_views) / nullif(sum(in_stock_views + out_of_stock_views), 0),
                sum(in_stock_views + out_of_stock_views) / sum(views), sum(views)
            from fct_twist_hourly as facts join dim_product_history as products
                on facts.style_id = products.style_id and facts.sku_id = products.sku_id
                and cast(view_hour as date) >= valid_from and cast(view_hour as date) < valid_to
            group by all
            """,
        ),
        (
            "lost_views,lost_revenue",
            "metric_time__day,product__brand",
            """
            select cast(view_hour as date), brand, sum(lost_views), sum(lost_revenue)
            from lost_sales_hourly as facts join dim_product_history as products
                on facts.style_id = products.style_id and facts.sku_id = products.sku_id
                and cast(view_hour as date) >= valid_from and cast(view_hour as date) < valid_to
            group by all
            """,
        ),
        (
            "stockouts,mean_time_to_recover",
            "stockout__cause",
            """
            select cause, count(*), sum(seconds_out) / count(seconds_out)
            from fct_stockouts where is_current = 1 group by all
            """,
        ),
    ],
)
def test_every_metric_equals_plain_sql(
    shop: Pipeline, tmp_path: Path, metrics: str, by: str, sql: str
) -> None:
    pytest.importorskip("dbt_metricflow", reason="dbt-metricflow is not installed: make setup")
    answer = tmp_path / "answer.csv"
    mf = Path(sys.executable).with_name("mf")
    subprocess.run(
        [mf, "query", "--metrics", metrics, "--group-by", by, "--csv", answer],
        cwd=ROOT / "dbt_project",
        env=os.environ | environment(shop.settings) | {"DBT_PROFILES_DIR": ".", "TWIST_ROOT": ".."},
        check=True,
        capture_output=True,
    )
    with answer.open(newline="") as file:
        _, *found = csv.reader(file)
    reader = open_reader(shop.settings)
    expected = reader.execute(sql).fetchall()
    reader.close()
    keys = by.count(",") + 1
    assert table(found, keys) == table(expected, keys)


def table(rows: Any, keys: int) -> dict[tuple[str, ...], list[Fraction | None]]:
    """Rows by key, days without their time, figures to a millionth."""
    return {
        tuple(
            str(key or "").removesuffix(" 00:00:00").removesuffix("T00:00:00") for key in row[:keys]
        ): [None if each in (None, "") else round(Fraction(str(each)), 6) for each in row[keys:]]
        for row in rows
    }
