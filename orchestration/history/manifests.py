"""The history lake: each closed day's published tables as Parquet, from which it can be restored.

    <history>/<table>/<day column>=YYYY-MM-DD/<checksum>.parquet
    <history>/manifests/YYYY-MM-DD.json        the files of the day, and their expected content

A manifest may come from anybody who can write there: it is checked against manifest.schema.json,
and names files of its day's folders only.

A file never changes. A day consists of the files in its manifest, which is replaced in one step, so
a reader who begins with it sees the old day or the new one, never a mixture; a killed export leaves
the old day. The previous files are deleted once the new ones have been read back and compared.

A day is closed once arrivals late_days + 1 days and the slack after it are audited. A later change
(replayed events, an object that was unreadable) raises the load_id of its rows: it is exported
again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obstore import get, put
from obstore.exceptions import NotFoundError

from ingestion.extensions import quoted
from ingestion.s3 import let_duckdb_in, open_place
from ingestion.settings import DAMAGED, Settings, TwistError, is_s3
from orchestration.shown import visible

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from jsonschema.protocols import Validator
    from obstore.store import ObjectStore

CURE = (
    "nothing was changed; while the warehouse holds the day, `make export VERIFY=1` exports it "
    "again, else restore the history lake's files from a backup"
)

TABLES = {
    "fct_twist": "view_date",
    "stock_daily": "stock_date",
    "fct_twist_hourly": "view_hour",
    "fct_lost_demand_hourly": "view_hour",
    "fct_pickup_hourly": "view_hour",
    "fct_transfer_demand_hourly": "view_hour",
    "twist_daily": "business_date",
    "fct_conversion_daily": "view_date",
}
"""What is exported of marts, and the column that holds the day. The hourly facts and twist_daily
are exported too because they cannot be derived from the first two: lost demand needs the stock
states, twist_daily the catalog as of the day."""


class HistoryError(TwistError):
    """A day cannot be exported or restored; the message gives the reason and the fix."""


class HistoryDamaged(HistoryError):
    """What lies in the history lake is not what was exported."""

    status = DAMAGED


@dataclass(frozen=True)
class Content:
    """A summary of the rows of a day's table; equal summaries mean equal rows."""

    rows: int
    checksum: str
    sums: dict[str, str]
    columns: dict[str, str]


Written = dict[str, tuple[Content, list[str]]]
"""By table: its content, and its files from the history lake's root."""


def store(settings: Settings) -> "ObjectStore":
    """The history lake."""
    return open_place(settings, settings.history_root)


def read_manifest(settings: Settings, day: date) -> dict[str, Any] | None:
    """A day's manifest; None where it was never exported.

    Raises:
        HistoryDamaged: it is none, or names something outside of the day's folders.
    """
    try:
        text = bytes(get(store(settings), _manifest(day)).bytes())
    except (NotFoundError, FileNotFoundError):
        return None
    try:
        manifest: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise _damaged(settings, day, f"it is no JSON ({error})") from None
    for fault in _schema().iter_errors(manifest):
        where = "/".join(map(str, fault.absolute_path)) or "its top level"
        raise _damaged(settings, day, f"{where}: {fault.message[:200]}")
    if manifest["day"] != str(day):
        raise _damaged(settings, day, f"it is of {manifest['day']}")
    for table, entry in manifest["tables"].items():
        if table not in TABLES:
            raise _damaged(settings, day, f"{table} is not a table that is exported")
        folder = day_folder(table, day)
        for file in (*entry["files"], *entry.get("stored", ())):
            if not file.startswith(f"{folder}/") or _leads_out(settings, file):
                raise _damaged(settings, day, f"{file} is not in {folder}")
    return manifest


def _damaged(settings: Settings, day: date, why: str) -> HistoryDamaged:
    return HistoryDamaged(
        f"the manifest {settings.history_root}/{_manifest(day)} is damaged: {visible(why)}; {CURE}"
    )


@cache
def _schema() -> "Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator(
        json.loads(Path(__file__).with_name("manifest.schema.json").read_text())
    )


def _leads_out(settings: Settings, path: str) -> bool:
    """Whether links lead from a folder's path to another place."""
    if is_s3(settings.history_root):
        return False
    root = Path(settings.history_root).resolve()
    return (root / path).resolve() != root / path


def own_folder(settings: Settings, table: str, day: date) -> str:
    """`day_folder`, to write and delete in.

    Raises:
        HistoryDamaged: a link leads from it to another place.
    """
    folder = day_folder(table, day)
    if _leads_out(settings, folder):
        raise HistoryDamaged(
            f"{settings.history_root}/{folder} leads to another place by a link, where nothing is "
            "written or deleted: remove the link"
        )
    return folder


def stored(settings: Settings, file: str) -> dict[str, Any]:
    """Size and checksum of a file of the history lake, which is read for it."""
    size, digest = 0, hashlib.sha256()
    for chunk in get(store(settings), file).stream():
        size += len(chunk)
        digest.update(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def write_manifest(settings: Settings, day: date, stamp: int, written: Written) -> None:
    """Replace a day's manifest, in one step."""
    manifest = {
        "day": str(day),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "stamp": stamp,
        "tables": {
            table: {
                "files": files,
                "stored": {file: stored(settings, file) for file in files},
                **asdict(content),
            }
            for table, (content, files) in written.items()
        },
    }
    replace_manifest(settings, day, manifest)


def replace_manifest(settings: Settings, day: date, manifest: Mapping[str, Any]) -> None:
    """Put this manifest into the place of a day's, in one step."""
    put(store(settings), _manifest(day), (json.dumps(manifest, indent=1) + "\n").encode())


def _manifest(day: date) -> str:
    return f"manifests/{day}.json"


def day_folder(table: str, day: date) -> str:
    """The folder of a table's day, named by the column that holds the day (never the hour)."""
    column = "view_date" if TABLES[table] == "view_hour" else TABLES[table]
    return f"{table}/{column}={day}"


def of_day(column: str, day: date) -> str:
    """The condition for a day's rows, on both engines."""
    kind = "cast({} as timestamp(6))" if column == "view_hour" else "{}"
    begin, end = (kind.format(f"date '{each}'") for each in (day, day + timedelta(days=1)))
    return f"{column} >= {begin} and {column} < {end}"


def content_of(conn: "DuckDBPyConnection", rows: str) -> Content:
    """Count, checksum, sums of the measures, and columns of a query's rows, in any order."""
    columns = {name: kind for name, kind, *_ in conn.execute(f"describe {rows}").fetchall()}
    summed = [name for name, kind in columns.items() if kind.startswith(("DECIMAL", "BIGINT"))]
    text = " || chr(31) || ".join(
        f"coalesce({quoted_name(name)}::varchar, chr(30))" for name in columns
    )
    sums = "".join(f", sum({quoted_name(name)})" for name in summed)
    answer = conn.execute(
        f"select count(*), coalesce(sum(md5_number_lower({text})::hugeint), 0){sums} from ({rows})"
    ).fetchone()
    assert answer
    totals = dict(zip(summed, map(plain, answer[2:]), strict=True))
    return Content(int(answer[0]), f"{int(answer[1]):x}", totals, columns)


def columns_of(conn: "DuckDBPyConnection", rows: str) -> list[str]:
    """The names of a query's columns."""
    return [str(name) for name, *_ in conn.execute(f"describe {rows}").fetchall()]


def quoted_name(name: str) -> str:
    """A column's name in SQL, whatever a file calls it."""
    return '"' + name.replace('"', '""') + '"'


def plain(total: Decimal | int | None) -> str:
    """A sum as the manifest writes it."""
    return (
        "0" if total is None else format(total, "f") if isinstance(total, Decimal) else str(total)
    )


def rows_of(paths: Sequence[object]) -> str:
    """A query of Parquet files, without the day in their folder's name.

    WRITE_NOS writes no file if there are no rows.
    """
    if not paths:
        return "select null as no_file where 1 = 0"
    named = ", ".join(quoted(str(path)) for path in paths)
    return f"select * from read_parquet([{named}], hive_partitioning = false)"


def read_back(settings: Settings, day: date, written: Mapping[str, Any]) -> dict[str, str]:
    """Compare a day's files with their expected content; return each table's rows, as a query.

    Raises:
        HistoryError: a file is missing, or holds something else.
    """
    import duckdb

    rows = {}
    with duckdb.connect() as conn:
        let_duckdb_in(conn, settings, settings.history_root)
        for table, (expected, files) in written.items():
            rows[table] = rows_of([f"{settings.history_root}/{file}" for file in files])
            try:
                compare(table, day, expected, content_of(conn, rows[table]))
            except duckdb.Error as error:
                raise HistoryDamaged(
                    f"{', '.join(files)} in {settings.history_root} cannot be read: "
                    f"{str(error).splitlines()[0]}; {CURE}"
                ) from None
    return rows


def compare(table: str, day: date, expected: Content, found: Content) -> None:
    """Raise `HistoryError` where the contents differ."""
    if expected != found:
        raise HistoryDamaged(
            f"{table} for {day} does not match its manifest: expected {expected.rows:,} rows with "
            f"checksum {expected.checksum} and sums {expected.sums}, found {found.rows:,} rows "
            f"with {found.checksum} and {found.sums}; {CURE}"
        )
