"""TWIST's work in its four places, run by a separate process that may have other credentials.

Light to import: test_aws.py calls it in processes that have no moto.
"""

import os
from datetime import UTC, datetime, timedelta

from ingestion.contract.topics import TOPICS
from ingestion.lake import landed_objects
from ingestion.lake.object_text import fetch, read_text
from ingestion.settings import Settings
from orchestration.history.export import export_day
from orchestration.history.restore import verify_day
from orchestration.pages.overview.publish import put_files
from orchestration.warehouse.attach import attach_warehouse
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of

DAY = datetime(2026, 11, 2)
HOURS = [
    {
        "AWS_ACCESS_KEY_ID": f"ASIA{number}",
        "AWS_SECRET_ACCESS_KEY": f"hush {number}",
        "AWS_SESSION_TOKEN": f"for hour {number}",
    }
    for number in range(3)
]
"""Temporary credentials, one after the other."""


def use_all(settings: Settings) -> None:
    """Read the landing lake, write and read warehouse data, export, verify, publish."""
    read_landing(settings)
    write_table(settings, "written")
    with engine_of(settings).reader() as query:
        assert query("select sum(number) from marts.written").rows == [(499500,)]
    assert export_day(settings, DAY.date())["fct_twist"].rows == 1
    assert verify_day(settings, DAY.date())
    put_files(settings, {"overview.html": "<p>it is there</p>"})


def read_landing(settings: Settings) -> None:
    store = landed_objects.open_store(settings)
    found = [each for topic in TOPICS for each in landed_objects.list_landed(store, topic)]
    assert len(found) == 5
    assert all(read_text(fetch(store, each.key)).size == each.size for each in found)


def write_table(settings: Settings, name: str) -> None:
    """A table with more rows than DuckLake inlines in the catalog."""
    import duckdb

    with duckdb.connect() as conn:
        attach_warehouse(conn, settings)
        conn.execute(f"create table twist.marts.{name} as select range as number from range(1000)")


def outlive_credentials(settings: Settings) -> None:
    """Work with credentials that expire within minutes and are then renewed, as in a long shift."""
    from ingestion import s3
    from tests.harness.warm import warm_runner

    s3.GIVEN_OUT_FOR = timedelta(0)  # for obstore: not for five minutes more
    os.environ["AWS_CREDENTIAL_EXPIRATION"] = _in(minutes=5)
    for name in ("a", "b", "c"):  # DuckDB would remember what it has read
        write_table(settings, name)
    store = landed_objects.open_store(settings)
    dbt = Dbt(settings, runner=warm_runner())
    assert dbt.query("select sum(number) from twist.marts.a") == [(499500,)]
    os.environ |= HOURS[1]
    assert landed_objects.newest_folder(store, TOPICS[0])
    assert dbt.query("select sum(number) from twist.marts.b") == [(499500,)]
    os.environ |= HOURS[2]
    assert landed_objects.newest_folder(store, TOPICS[0])
    dbt.run("show", "--inline", "select sum(number) from twist.marts.c")
    dbt.close()


def _in(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
