"""The commands on Teradata: the same dbt runs; what is to be done is asked through dbt's adapter.

A cycle is two dbt runs: one lists and takes a batch, one loads and computes it. What a cycle that
failed left undone, the next one does. Why it is safe: dbt_project/TERADATA.md.
"""

import time
from collections.abc import Callable

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import refuse_other_setting
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load_report import LoadReport, report_since
from orchestration.warehouse.reader import STAGED

LIST = ("--select", "load_listing", "load_objects")
READ = ("--select", "load_objects")
LOAD_AND_COMPUTE = ("--exclude", *LIST[1:], "path:models/overview")


def prepare(settings: Settings, dbt: Dbt) -> None:
    """Make what is missing, and refuse settings that the warehouse was not built with.

    Raises:
        SettingsError: a setting was changed, or says not where the landing lake is.
    """
    if not settings.teradata_landing:
        raise SettingsError(
            "TWIST_TERADATA_LANDING is empty: set it to the landing lake as Teradata names it, "
            "such as /s3/bucket.s3.amazonaws.com/prefix (dbt_project/TERADATA.md)"
        )
    writer_lock.take(settings.warehouse_root)
    dbt.run("run-operation", "init_warehouse")
    dbt.run("run-operation", "init_landing")
    prefix = settings.db_prefix
    if not dbt.query(f"select 1 from dbc.tablesv where databasename = '{prefix}_seeds'"):
        dbt.run("seed")
    for name, value in dbt.query(
        f"select setting_name, setting_value from {prefix}_audit.settings"
    ):
        refuse_other_setting(settings, name, value)


def load(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> LoadReport:
    """Load what is new in the landing lake and bring every table up to date."""
    started = time.monotonic()
    prepare(settings, dbt)
    prefix = settings.db_prefix
    first_stamp = _number(dbt, f"select max(load_id) from {prefix}_audit.watermarks")
    dbt.run("run", *LIST)
    is_behind = _is_behind(settings, dbt)
    while True:
        objects, megabytes = dbt.query(
            f"select count(*), sum(cast(object_size as bigint)) from {prefix}_load.load_objects"
        )[0]
        if objects:
            say(f"loading {objects:,} objects ({float(megabytes) / 1e6:,.0f} MB) …")
        if objects or is_behind:
            dbt.run("run", *LOAD_AND_COMPUTE)
            is_behind = False
        if float(megabytes or 0) < settings.batch_mb * 1e6:
            return report_since(settings, dbt, first_stamp, time.monotonic() - started)
        dbt.run("run", *READ)


def replay_late(settings: Settings, dbt: Dbt, say: Callable[[str], None]) -> tuple[int, LoadReport]:
    """Stage the late events set aside so far; return how many were, and the load's report."""
    prepare(settings, dbt)
    replayed = (
        f"select count(*) from {settings.db_prefix}_audit.late_events where replayed_at is not null"
    )
    before = _number(dbt, replayed)
    dbt.run("run-operation", "request_replay")
    report = load(settings, dbt, say)
    return _number(dbt, replayed) - before, report


def accept(settings: Settings, dbt: Dbt, key: str, why: str) -> int:
    """Close the unreadable object under `key`; return how many contents it had."""
    prepare(settings, dbt)
    quoted = key.replace("'", "''")
    count = _number(
        dbt,
        f"select count(*) from {settings.db_prefix}_audit.landed_objects "
        f"where object_key = '{quoted}' and status = 'unreadable'",
    )
    dbt.run("run-operation", "accept_object", "--args", str({"key": key, "why": why}))
    return count


def _is_behind(settings: Settings, dbt: Dbt) -> bool:
    """Whether the last table is not there or has not seen some rows, or a replay is asked for."""
    prefix = settings.db_prefix
    last = dbt.query(
        f"select load_id from {prefix}_audit.watermarks where model_name = 'twist_daily'"
    )
    asked = f"select count(*) from {prefix}_audit.late_events where replay_requested_at is not null"
    return (
        not last
        or _number(dbt, asked) > 0
        or any(
            _number(dbt, f"select max(load_id) from {prefix}_staging.{model}") > last[0][0]
            for model in STAGED.values()
        )
    )


def _number(dbt: Dbt, sql: str) -> int:
    return int(dbt.query(sql)[0][0] or 0)
