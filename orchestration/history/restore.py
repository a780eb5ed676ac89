"""Restores a day from the history lake, verified."""

from datetime import date
from pathlib import Path

from obstore import list_with_delimiter

from ingestion.s3 import let_duckdb_in
from ingestion.settings import Settings
from orchestration.erasure.days import PERSONAL
from orchestration.erasure.days import TABLE as WITH_PERSONS
from orchestration.erasure.registry import erased_before, literal, registered
from orchestration.history import manifests
from orchestration.history.manifests import TABLES, Content, HistoryError, quoted_name
from orchestration.warehouse.attach import require_ducklake
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of
from orchestration.warehouse.load import COMPUTE_MODELS

RESTORED_STAMP = 0
"""load_id of restored rows: older than every load, so no model reads them as new."""


def verify_day(settings: Settings, day: date) -> dict[str, str]:
    """Read an exported day and compare it with its manifest; return each table's rows, as a query.

    Raises:
        HistoryError: there is no such day, or a file is missing or holds something else.
    """
    manifest = manifests.read_manifest(settings, day)
    if manifest is None:
        there = list_with_delimiter(manifests.store(settings), "manifests")["objects"]
        days = sorted(Path(found["path"]).stem for found in there)
        known = f"it has {days[0]} to {days[-1]}" if days else "it has none; run `make export`"
        raise HistoryError(f"the history lake {settings.history_root} has no {day}: {known}")
    written = {}
    for table, entry in manifest["tables"].items():
        of_rows = {name: entry[name] for name in ("rows", "checksum", "sums", "columns")}
        written[table] = Content(**of_rows), entry["files"]
    return manifests.read_back(settings, day, written)


def restore_day(settings: Settings, dbt: Dbt, day: date) -> dict[str, Content]:
    """Replace what the warehouse holds of a day with the exported day.

    All in one transaction, committed when the warehouse matches the manifest. A missing
    warehouse is created first. The landing lake is not needed. Whom the warehouse has been asked to
    forget does not come back: files from a backup may be older than the request.

    Raises:
        HistoryError: the export is missing or damaged, or the restored rows differ from it.
    """
    require_ducklake(settings)
    exported = verify_day(settings, day)
    engine_of(settings).prepare(dbt)
    dbt.run("run", "--select", *COMPUTE_MODELS)
    exported[WITH_PERSONS] = _without_forgotten(settings, dbt, exported[WITH_PERSONS])
    conn = dbt.connection()
    let_duckdb_in(conn, settings, settings.history_root)
    found = {}
    conn.execute("begin")
    try:
        for table, content_of_day in exported.items():
            column = TABLES[table]
            target, extra = f"marts.{table}", {"load_id": RESTORED_STAMP}
            if table == "stock_daily":
                target, extra = "intermediate.int_stock__openings", {"is_listed": 1} | extra
            conn.execute(f"delete from twist.{target} where {manifests.of_day(column, day)}")
            constants = ", ".join(f"{value} as {name}" for name, value in extra.items())
            conn.execute(
                f"insert into twist.{target} by name select *, {constants} from ({content_of_day})"
            )
            # A column added after the export is null in the restored rows.
            names = ", ".join(map(quoted_name, manifests.columns_of(conn, content_of_day)))
            rows = f"select {names} from twist.marts.{table} where {manifests.of_day(column, day)}"
            found[table] = manifests.content_of(conn, rows)
            manifests.compare(table, day, manifests.content_of(conn, content_of_day), found[table])
        conn.execute("commit")
    except BaseException:
        conn.execute("rollback")
        raise
    return found


def _without_forgotten(settings: Settings, dbt: Dbt, rows: str) -> str:
    """Rows of the table with persons, as a query, without those that the registry knows.

    They are taken out before anything is written: an UPDATE would leave them in the files.
    """
    engine = engine_of(settings)
    salt, before = registered(engine, dbt).salt, erased_before(engine, dbt)
    theirs = (
        f"sha256({literal(salt)} || visitor_id) in "
        f"(select visitor_hash from {engine.relation('audit', 'erasures')})"
    )
    if before:
        theirs += f" or view_ts < {literal(before)}"
    erased = ", ".join(
        f"case when {theirs} then null else {column} end as {column}" for column in PERSONAL
    )
    return f"select * replace ({erased}) from ({rows})"
