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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obstore import get, put
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore

from ingestion.contract.topics import STAGED
from ingestion.s3 import bucket
from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of, open_reader
from orchestration.warehouse.load import COMPUTE_MODELS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from obstore.store import ObjectStore

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
    engine = engine_of(settings)
    relation = engine.relation
    with engine.reader() as query:
        reached = [
            query(f"select max(arrived_at) from {relation('staging', STAGED[topic])}")
            for topic in ("clickstream", "sku_availability")
        ]
        moments = [answer.rows[0][0] for answer in reached]
        if None in moments:
            return {}
        late = timedelta(days=settings.late_days + 1, hours=settings.landing_slack_hours)
        open_from = f"date '{(min(moments) - late).date()}'"
        table = {name: relation("marts", name) for name in TABLES}
        openings = relation("intermediate", "int_stock__openings")
        found = query(
            "select changed.day_of, max(changed.load_id) as stamp from ("
            f"select view_date as day_of, load_id from {table['fct_twist']} "
            f"where view_date < {open_from} union all "
            f"select cast(view_hour as date) as day_of, load_id from {table['fct_twist_hourly']} "
            f"where view_hour < cast({open_from} as timestamp(6)) union all "
            f"select stock_date as day_of, load_id from {openings} where stock_date < {open_from} "
            f"and stock_date in (select view_date from {table['twist_daily']})"
            ") as changed group by changed.day_of"
        )
        return dict(sorted(found.rows))


def days_to_export(settings: Settings) -> dict[date, int]:
    """The closed days that are not in the history lake as they stand, with their stamps."""
    return {
        day: stamp
        for day, stamp in closed_days(settings).items()
        if (read_manifest(settings, day) or {}).get("stamp") != stamp
    }


def read_manifest(settings: Settings, day: date) -> dict[str, Any] | None:
    """A day's manifest; None where it was never exported."""
    try:
        text = bytes(get(store(settings), _manifest(day)).bytes())
    except (NotFoundError, FileNotFoundError):
        return None
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def store(settings: Settings) -> "ObjectStore":
    """The history lake."""
    if settings.history_is_s3:
        return bucket(settings, settings.history)
    return LocalStore(settings.history_root, mkdir=True)


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
    if settings.target == "teradata":
        from orchestration.history import teradata_export

        return teradata_export.export_day(settings, day, stamp)
    root = settings.history_root
    root.mkdir(parents=True, exist_ok=True)
    reader = open_reader(settings, writes_to=root)
    scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=root))
    try:
        reader.execute("begin")  # one snapshot for all tables
        found: dict[str, Facts] = {}
        files: dict[str, list[str]] = {}
        for table, column in TABLES.items():
            rows = f"select * from marts.{table} where {of_day(column, day)}"
            names = _columns(reader, rows)
            rows = f"select {', '.join(name for name in names if name != 'load_id')} from ({rows})"
            found[table] = facts(reader, rows)
            part = scratch / f"{table}.parquet"
            order = ", ".join(name for name in names if name != "load_id")
            reader.execute(
                f"copy (from ({rows}) order by {order}) to '{part}' (format parquet, "
                "compression zstd)"
            )
            compare(table, day, found[table], facts(reader, _of_files([part])))
            files[table] = [_place(settings, table, day, part, found[table])]
        old = read_manifest(settings, day)
        write_manifest(settings, day, stamp, found, files)
        _remove_old(settings, old, {file for named in files.values() for file in named})
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return found


def verify_day(settings: Settings, day: date) -> dict[str, str]:
    """Read an exported day and compare it with its manifest; return each table's rows, as a query.

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
    rows: dict[str, str] = {}
    for table, entry in manifest["tables"].items():
        rows[table] = content(settings, entry["files"])
        wanted = Facts(entry["rows"], entry["checksum"], entry["sums"], entry["columns"])
        try:
            compare(table, day, wanted, facts(conn, rows[table]))
        except duckdb.Error as error:
            raise HistoryError(
                f"{', '.join(entry['files'])} in {settings.history_root} cannot be read: "
                f"{str(error).splitlines()[0]}"
            ) from None
    conn.close()
    return rows


def restore_day(settings: Settings, dbt: Dbt, day: date) -> dict[str, Facts]:
    """Put an exported day into the warehouse in place of what it holds of that day.

    All in one transaction, committed when the warehouse says what the manifest says. An empty
    warehouse is made first. The landing lake is not needed.

    Raises:
        HistoryError: the export is missing or damaged, or the restored rows are not the exported.
    """
    exported = verify_day(settings, day)
    engine_of(settings).prepare(dbt)
    dbt.run("run", "--select", *COMPUTE_MODELS)
    conn = dbt.connection()
    found = {}
    conn.execute("begin")
    try:
        for table, content_of_day in exported.items():
            column = TABLES[table]
            target, extra = f"marts.{table}", {"load_id": RESTORED_STAMP}
            if table == "stock_daily":
                target, extra = "intermediate.int_stock__openings", {"is_listed": 1} | extra
            conn.execute(f"delete from twist.{target} where {of_day(column, day)}")
            constants = ", ".join(f"{value} as {name}" for name, value in extra.items())
            conn.execute(
                f"insert into twist.{target} by name select *, {constants} from ({content_of_day})"
            )
            # A column that the table got after the export is empty in what is restored.
            names = ", ".join(_columns(conn, content_of_day))
            rows = f"select {names} from twist.marts.{table} where {of_day(column, day)}"
            found[table] = facts(conn, rows)
            compare(table, day, facts(conn, content_of_day), found[table])
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
    totals = dict(zip(summed, map(plain, answer[2:]), strict=True))
    return Facts(int(answer[0]), f"{int(answer[1]):x}", totals, columns)


def content(settings: Settings, files: Sequence[str]) -> str:
    """What the files of a table's day hold, named from the history lake's root, as a query."""
    return _of_files([f"{settings.history_lake}/{file}" for file in files])


def _of_files(paths: Sequence[object]) -> str:
    """Without the day that the folder names. WRITE_NOS writes no file where there is no row."""
    if not paths:
        return "select null as no_file where 1 = 0"
    named = ", ".join(f"'{path}'" for path in paths)
    return f"select * from read_parquet([{named}], hive_partitioning = false)"


def plain(total: Decimal | int | None) -> str:
    """A sum as the manifest writes it."""
    return (
        "0" if total is None else format(total, "f") if isinstance(total, Decimal) else str(total)
    )


def _columns(conn: "DuckDBPyConnection", rows: str) -> list[str]:
    return [str(name) for name, *_ in conn.execute(f"describe {rows}").fetchall()]


def compare(table: str, day: date, wanted: Facts, found: Facts) -> None:
    """Raise `HistoryError` where the facts differ."""
    if wanted != found:
        raise HistoryError(
            f"{table} of {day} is not what it must be: {wanted.rows:,} rows with checksum "
            f"{wanted.checksum} and sums {wanted.sums} are wanted, {found.rows:,} rows with "
            f"{found.checksum} and {found.sums} were read; nothing was changed: export the day "
            "again, or restore its files from a backup"
        )


def of_day(column: str, day: date) -> str:
    """A day's rows, on both engines."""
    kind = "cast({} as timestamp(6))" if column == "view_hour" else "{}"
    begin, end = (kind.format(f"date '{each}'") for each in (day, day + timedelta(days=1)))
    return f"{column} >= {begin} and {column} < {end}"


def day_folder(table: str) -> str:
    """The column that names the day's folder; that of hours holds none."""
    return "view_date" if TABLES[table] == "view_hour" else TABLES[table]


def _place(settings: Settings, table: str, day: date, part: Path, found: Facts) -> str:
    """Move a finished file to its place; its name says what it holds."""
    file = f"{table}/{day_folder(table)}={day}/{found.checksum}-{found.rows}.parquet"
    target = settings.history_root / file
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    return file


def _manifest(day: date) -> str:
    return f"manifests/{day}.json"


def write_manifest(
    settings: Settings, day: date, stamp: int, found: dict[str, Facts], files: dict[str, list[str]]
) -> None:
    """Replace a day's manifest, in one step."""
    manifest = {
        "day": str(day),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "stamp": stamp,
        "tables": {
            table: {
                "files": files[table],
                "rows": its.rows,
                "checksum": its.checksum,
                "sums": its.sums,
                "columns": its.columns,
            }
            for table, its in found.items()
        },
    }
    put(store(settings), _manifest(day), (json.dumps(manifest, indent=1) + "\n").encode())


def _remove_old(settings: Settings, old: dict[str, Any] | None, current: set[str]) -> None:
    for entry in (old or {"tables": {}})["tables"].values():
        for file in entry["files"]:
            if file not in current:
                (settings.history_root / file).unlink(missing_ok=True)
