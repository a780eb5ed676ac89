"""Rewrites days of the history lake without the persons to forget: files, then the manifest."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from obstore import delete, list_with_delimiter, put
from obstore import list as list_objects
from obstore.exceptions import NotFoundError

from ingestion.extensions import quoted
from ingestion.s3 import let_duckdb_in
from ingestion.settings import NO_PERMISSION, UNAVAILABLE, WRITE_FAILED, Settings, is_s3
from orchestration.failures import failure
from orchestration.history import manifests
from orchestration.history.manifests import HistoryDamaged
from orchestration.left_overs import remove_left_overs
from orchestration.progress import progress
from orchestration.shown import visible
from orchestration.warehouse.maintain import SCRATCH

TABLE, PERSONAL = "fct_twist", ("visitor_id", "session_id")
"""The one exported table that has persons, and its columns of them."""

NOTES = "forget.days"
"""A file in the warehouse's folder: the files that were rewritten, until they are deleted."""
SHOWN = 3
"""Days in one sentence."""
CURE = (
    "while the warehouse holds the day, `make export VERIFY=1` exports it again, without them; "
    "else put the files back from a backup; then run it again"
)
AN_EXPORT = timedelta(hours=1)
"""Longer than an export runs: a file without a manifest that is older belongs to none."""


@dataclass(frozen=True)
class Whose:
    """The rows to erase: of these visitors, or of everybody before a moment."""

    visitors: Iterable[str] = ()
    before: datetime | None = None

    def condition(self) -> str:
        """Over the table `visitors` of DuckDB."""
        if self.before is None:
            return "visitor_id in (select visitor from visitors)"
        moment = f"timestamp '{self.before:%Y-%m-%d %H:%M:%S}'"
        return f"view_ts < {moment} and coalesce(visitor_id, session_id) is not null"


@dataclass
class Rewritten:
    """How many days were rewritten, and why others could not be read."""

    days: int = 0
    damaged: dict[date, str] = field(default_factory=dict)

    def refuse_damaged(self) -> None:
        """Raise `HistoryDamaged` where a day could not be read."""
        if self.damaged:
            shown = "; ".join(list(self.damaged.values())[:SHOWN])
            left = len(self.damaged) - SHOWN
            more = f"; and {left:,} more" if left > 0 else ""
            raise HistoryDamaged(
                f"{len(self.damaged):,} days of the history lake could not be read, so nothing was "
                f"erased there; all else was done: {shown}{more}: "
                f"{CURE}"
            )


def rewrite(settings: Settings, whose: Whose) -> Rewritten:
    """Rewrite the days that have such rows. A damaged day is left as it is, and noted.

    Files that no manifest names, such as a killed export's, may hold anybody. They are deleted if
    they were rewritten here, or are older than `AN_EXPORT`.
    """
    if not is_s3(settings.history_root) and not Path(settings.history_root).is_dir():
        return Rewritten()
    lake = manifests.store(settings)
    done = Rewritten()
    named: set[str] = set()
    kept: list[str] = []
    for found in list_with_delimiter(lake, "manifests")["objects"]:
        progress()
        try:
            day = date.fromisoformat(Path(found["path"]).stem)
        except ValueError:
            continue
        try:
            done.days += _rewrite_day(settings, day, whose)
            manifest = manifests.read_manifest(settings, day) or {"tables": {}}
            named |= set(manifest["tables"].get(TABLE, {"files": ()})["files"])
        except HistoryDamaged as error:
            done.damaged[day] = str(error).removesuffix(f"; {manifests.CURE}")
            kept.append(f"{manifests.day_folder(TABLE, day)}/")
    notes = settings.warehouse_root / NOTES
    rewritten = set(notes.read_text().splitlines()) if notes.exists() else set()
    before = datetime.now(UTC) - AN_EXPORT
    for found in list_objects(lake, TABLE).collect():
        path = found["path"]
        if path.startswith(tuple(kept)):
            continue
        if path not in named and (path in rewritten or found["last_modified"] < before):
            with suppress(NotFoundError, FileNotFoundError):
                delete(lake, path)
    if not is_s3(settings.history_root):
        left = (Path(settings.history_root) / TABLE).rglob("*#*")  # obstore does not list them
        remove_left_overs(left, before.timestamp())
    if not done.damaged:
        notes.unlink(missing_ok=True)
    return done


def _rewrite_day(settings: Settings, day: date, whose: Whose) -> int:
    import duckdb
    import pyarrow as pa

    manifest = manifests.read_manifest(settings, day)
    if manifest is None or TABLE not in manifest["tables"]:
        return 0
    entry = manifest["tables"][TABLE]
    rows = manifests.rows_of([f"{settings.history_root}/{file}" for file in entry["files"]])
    if not entry["files"]:
        return 0
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=settings.warehouse_root))
    try:
        with duckdb.connect() as conn:
            let_duckdb_in(conn, settings, settings.history_root)
            conn.execute("set TimeZone = 'UTC'")
            conn.execute(f"set memory_limit = '{settings.memory_limit}'")
            conn.execute(f"set temp_directory = {quoted(str(scratch))}")
            listed = pa.table({"visitor": pa.array(list(whose.visitors), pa.string())})
            conn.register("visitors", listed)
            theirs = f"from ({rows}) where {whose.condition()}"
            if conn.execute(f"select count(*) {theirs}").fetchone() == (0,):
                return 0
            erased = ", ".join(
                f"case when {whose.condition()} then null else {name} end as {name}"
                for name in PERSONAL
            )
            left = f"select * replace ({erased}) from ({rows})"
            content = manifests.content_of(conn, left)
            part = scratch / f"{TABLE}.parquet"
            names = ", ".join(map(manifests.quoted_name, content.columns))
            conn.execute(
                f"copy (from ({left}) order by {names}) to {quoted(str(part))} "
                "(format parquet, compression zstd)"
            )
        _publish(settings, day, manifest, content, part)
        return 1
    except duckdb.Error as error:
        if failure(error).status in (WRITE_FAILED, NO_PERMISSION, UNAVAILABLE):
            raise
        raise HistoryDamaged(
            f"{', '.join(entry['files'])} in {settings.history_root} cannot be read: "
            f"{visible(str(error).splitlines()[0])}"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _publish(
    settings: Settings, day: date, manifest: dict[str, Any], content: Any, part: Path
) -> None:
    """The new file, then the manifest that names it; what it named before is deleted at the end."""
    folder = manifests.own_folder(settings, TABLE, day)
    file = f"{folder}/{content.checksum}-{content.rows}.parquet"
    put(manifests.store(settings), file, part)
    manifests.read_back(settings, day, {TABLE: (content, [file])})
    entry = manifest["tables"][TABLE]
    with (settings.warehouse_root / NOTES).open("a") as notes:
        notes.writelines(f"{each}\n" for each in entry["files"])
        notes.flush()
        os.fsync(notes.fileno())
    entry |= {
        "files": [file], "stored": {file: manifests.stored(settings, file)},
        "rows": content.rows, "checksum": content.checksum, "sums": content.sums,
        "columns": content.columns,
    }  # fmt: skip
    manifest["exported_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    manifests.replace_manifest(settings, day, manifest)
