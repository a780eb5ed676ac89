"""The history lake: each closed day's published tables as Parquet, from which it can be restored.

    <history>/<table>/<day column>=YYYY-MM-DD/<checksum>.parquet
    <history>/manifests/YYYY-MM-DD.json        which files are the day, and what they must say

A file never changes. A day is what its manifest names, and the manifest is replaced in one step, so
a reader who begins with it sees the old day or the new one, never a part; an export that is killed
leaves the old day. The files it named before go after the new ones were read back and compared.

A day is closed once arrivals late_days + 1 days and the slack past it are audited. What changes it
later (replayed events, an object that was unreadable) moves the stamps of its rows: it is exported
again.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion import writer_lock
from ingestion.settings import Settings
from orchestration.lib import warehouse
from orchestration.lib.dbt import Dbt
from orchestration.lib.load import COMPUTED
from orchestration.lib.query import open_reader, reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = {
    "fct_twist": "view_date",
    "stock_daily": "stock_date",
    "fct_twist_hourly": "view_hour",
    "fct_lost_demand_hourly": "view_hour",
    "twist_daily": "view_date",
}
"""What is exported of marts, and the column that says the day. The hourly facts and twist_daily go
with the two of a day because they cannot be derived from these alone: lost demand takes the states
of stock, twist_daily the catalog as of the day."""
RESTORED_STAMP = 0
"""load_id of restored rows: older than every load, so no model takes them for news."""


class HistoryError(Exception):
    """A day cannot be exported or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Facts:
    """What the rows of a day's table amount to; equal facts are equal rows."""

    rows: int
    checksum: str
    sums: dict[str, str]
    columns: dict[str, str]


def closed_days(settings: Settings) -> dict[date, int]:
    """The closed days that have views, and each one's stamp: it moves when the day changes."""
    with reading(settings) as reader:
        reached = reader.execute(
            "select least((select max(arrived_at) from staging.stg_clickstream__events), "
            "(select max(arrived_at) from staging.stg_availability__stock_changes))"
        ).fetchone()
        if not reached or reached[0] is None:
            return {}
        late = timedelta(days=settings.late_days + 1, hours=settings.landing_slack_hours)
        last = (reached[0] - late).date() - timedelta(days=1)
        return dict(
            reader.execute(
                "select view_date, max(load_id) from ("
                "select view_date, load_id from marts.fct_twist where view_date <= $last union all "
                "select view_hour::date, load_id from marts.fct_twist_hourly "
                "where view_hour < $last + 1 union all "
                "select stock_date, load_id from intermediate.int_stock__openings "
                "where stock_date in (select view_date from marts.twist_daily) "
                "and stock_date <= $last) group by 1 order by 1",
                {"last": last},
            ).fetchall()
        )


def days_to_export(settings: Settings) -> dict[date, int]:
    """The closed days that are not in the history lake as they stand, with their stamps."""
    return {
        day: stamp
        for day, stamp in closed_days(settings).items()
        if (read_manifest(settings, day) or {}).get("stamp") != stamp
    }


def read_manifest(settings: Settings, day: date) -> dict[str, Any] | None:
    """A day's manifest; None where it was never exported."""
    path = _manifest_path(settings, day)
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


def export_day(settings: Settings, day: date) -> dict[str, Facts]:
    """Export a closed day, read it back, and only then let the manifest name it.

    Raises:
        HistoryError: the day is not closed, or what was written is not what was read.
    """
    stamp = closed_days(settings).get(day)
    if stamp is None:
        raise HistoryError(
            f"{day} is not closed, or has no views: a day closes when arrivals more than "
            f"{settings.late_days + 1} days and {settings.landing_slack_hours} hours past it are "
            "loaded"
        )
    root = settings.history_root
    root.mkdir(parents=True, exist_ok=True)
    reader = open_reader(settings, writes_to=root)
    scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=root))
    try:
        reader.execute("begin")  # one snapshot for all tables
        found, files = {}, {}
        for table, column in TABLES.items():
            rows = f"select * from marts.{table} where {_of_day(column, day)}"
            names = _columns(reader, rows)
            rows = f"select {', '.join(name for name in names if name != 'load_id')} from ({rows})"
            found[table] = facts(reader, rows)
            part = scratch / f"{table}.parquet"
            order = ", ".join(name for name in names if name != "load_id")
            reader.execute(
                f"copy (from ({rows}) order by {order}) to '{part}' (format parquet, "
                "compression zstd)"
            )
            _compare(table, day, found[table], facts(reader, _content(part)))
            files[table] = _place(settings, table, column, day, part, found[table])
        old = read_manifest(settings, day)
        _write_manifest(settings, day, stamp, found, files)
        _remove_old(settings, old, set(files.values()))
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return found


def verify_day(settings: Settings, day: date) -> dict[str, Path]:
    """Read an exported day and compare it with its manifest; return each table's file.

    Raises:
        HistoryError: there is no such day, or a file is missing or says something else.
    """
    import duckdb

    manifest = read_manifest(settings, day)
    if manifest is None:
        days = sorted(path.stem for path in (settings.history_root / "manifests").glob("*.json"))
        known = f"it has {days[0]} to {days[-1]}" if days else "it has none; run `make export`"
        raise HistoryError(f"the history lake {settings.history_root} has no {day}: {known}")
    conn = duckdb.connect()
    paths: dict[str, Path] = {}
    for table, entry in manifest["tables"].items():
        path = settings.history_root / entry["file"]
        wanted = Facts(entry["rows"], entry["checksum"], entry["sums"], entry["columns"])
        try:
            _compare(table, day, wanted, facts(conn, _content(path)))
        except duckdb.Error as error:
            raise HistoryError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
        paths[table] = path
    conn.close()
    return paths


def restore_day(settings: Settings, dbt: Dbt, day: date) -> dict[str, Facts]:
    """Put an exported day into the warehouse in place of what it holds of that day.

    All in one transaction, committed when the warehouse says what the manifest says. An empty
    warehouse is made first. The landing lake is not needed.

    Raises:
        HistoryError: the export is missing or damaged, or the restored rows are not the exported.
    """
    paths = verify_day(settings, day)
    writer_lock.take(settings.warehouse_root)
    warehouse.prepare(settings, dbt)
    dbt.run("run", "--select", *COMPUTED)
    conn = dbt.connection()
    found = {}
    conn.execute("begin")
    try:
        for table, path in paths.items():
            column = TABLES[table]
            target, extra = f"marts.{table}", {"load_id": RESTORED_STAMP}
            if table == "stock_daily":
                target, extra = "intermediate.int_stock__openings", {"is_listed": 1} | extra
            conn.execute(f"delete from twist.{target} where {_of_day(column, day)}")
            constants = ", ".join(f"{value} as {name}" for name, value in extra.items())
            conn.execute(
                f"insert into twist.{target} by name select *, {constants} from ({_content(path)})"
            )
            rows = f"select * from twist.marts.{table} where {_of_day(column, day)}"
            names = [name for name in _columns(conn, rows) if name != "load_id"]
            found[table] = facts(conn, f"select {', '.join(names)} from ({rows})")
            _compare(table, day, facts(conn, _content(path)), found[table])
        conn.execute("commit")
    except BaseException:
        conn.execute("rollback")
        raise
    return found


def export_all(settings: Settings, say: Callable[[str], None]) -> Iterator[date]:
    """Export every closed day that is not in the history lake as it stands."""
    for day in days_to_export(settings):
        rows = export_day(settings, day)["fct_twist"].rows
        say(f"{day}: {rows:,} views exported and read back")
        yield day


def facts(conn: "DuckDBPyConnection", rows: str) -> Facts:
    """Count, checksum, sums of the measures, and columns of a query's rows, in whatever order."""
    columns = {name: kind for name, kind, *_ in conn.execute(f"describe {rows}").fetchall()}
    summed = [name for name, kind in columns.items() if kind.startswith(("DECIMAL", "BIGINT"))]
    text = " || chr(31) || ".join(f"coalesce({name}::varchar, chr(30))" for name in columns)
    sums = "".join(f", sum({name})" for name in summed)
    answer = conn.execute(
        f"select count(*), coalesce(sum(md5_number_lower({text})::hugeint), 0){sums} from ({rows})"
    ).fetchone()
    assert answer
    totals = dict(zip(summed, map(_plain, answer[2:]), strict=True))
    return Facts(int(answer[0]), f"{int(answer[1]):x}", totals, columns)


def _content(path: Path) -> str:
    """What a file holds, without the day that its folder names."""
    return f"select * from read_parquet('{path}', hive_partitioning = false)"


def _plain(total: Decimal | int | None) -> str:
    return (
        "0" if total is None else format(total, "f") if isinstance(total, Decimal) else str(total)
    )


def _columns(conn: "DuckDBPyConnection", rows: str) -> list[str]:
    return [str(name) for name, *_ in conn.execute(f"describe {rows}").fetchall()]


def _compare(table: str, day: date, wanted: Facts, found: Facts) -> None:
    if wanted != found:
        raise HistoryError(
            f"{table} of {day} is not what it must be: {wanted.rows:,} rows with checksum "
            f"{wanted.checksum} and sums {wanted.sums} are wanted, {found.rows:,} rows with "
            f"{found.checksum} and {found.sums} were read; nothing was changed: export the day "
            "again, or restore its files from a backup"
        )


def _of_day(column: str, day: date) -> str:
    return f"{column} >= date '{day}' and {column} < date '{day}' + 1"


def _place(settings: Settings, table: str, column: str, day: date, part: Path, found: Facts) -> str:
    """Move a finished file to its place; its name says what it holds."""
    folder = "view_date" if column == "view_hour" else column
    file = f"{table}/{folder}={day}/{found.checksum}-{found.rows}.parquet"
    target = settings.history_root / file
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    return file


def _manifest_path(settings: Settings, day: date) -> Path:
    return settings.history_root / "manifests" / f"{day}.json"


def _write_manifest(
    settings: Settings, day: date, stamp: int, found: dict[str, Facts], files: dict[str, str]
) -> None:
    manifest = {
        "day": str(day),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "stamp": stamp,
        "tables": {
            table: {
                "file": files[table],
                "rows": its.rows,
                "checksum": its.checksum,
                "sums": its.sums,
                "columns": its.columns,
            }
            for table, its in found.items()
        },
    }
    path = _manifest_path(settings, day)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(manifest, indent=1) + "\n")
    part.replace(path)


def _remove_old(settings: Settings, old: dict[str, Any] | None, current: set[str]) -> None:
    for entry in (old or {"tables": {}})["tables"].values():
        if entry["file"] not in current:
            (settings.history_root / entry["file"]).unlink(missing_ok=True)
