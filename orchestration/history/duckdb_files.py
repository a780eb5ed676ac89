"""How DuckDB writes a closed day into the history lake: one Parquet file per table."""

import shutil
import tempfile
from datetime import date
from pathlib import Path

from obstore import put

from ingestion.extensions import quoted
from ingestion.settings import Settings
from orchestration.history import manifests
from orchestration.history.manifests import TABLES, Content, Written
from orchestration.warehouse.engines import open_reader
from orchestration.warehouse.maintain import SCRATCH


def write_day(settings: Settings, day: date, _stamp: int) -> Written:
    """Write a closed day's tables, all of one snapshot, and read them back.

    Raises:
        HistoryError: what was read back is not what the tables hold.
    """
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=settings.warehouse_root))
    reader = open_reader(settings, writes_to=scratch)
    try:
        reader.execute("begin")
        written: Written = {}
        for table, column in TABLES.items():
            rows = f"select * from marts.{table} where {manifests.of_day(column, day)}"
            names = ", ".join(
                manifests.quoted_name(name)
                for name in manifests.columns_of(reader, rows)
                if name != "load_id"
            )
            rows = f"select {names} from ({rows})"
            content = manifests.content_of(reader, rows)
            part = scratch / f"{table}.parquet"
            reader.execute(
                f"copy (from ({rows}) order by {names}) to {quoted(str(part))} "
                "(format parquet, compression zstd)"
            )
            manifests.compare(
                table, day, content, manifests.content_of(reader, manifests.rows_of([part]))
            )
            written[table] = content, [_place(settings, table, day, part, content)]
        manifests.read_back(settings, day, written)
        return written
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _place(settings: Settings, table: str, day: date, part: Path, content: Content) -> str:
    """Publish a finished file in one step; its name identifies its content."""
    file = f"{manifests.own_folder(settings, table, day)}/{content.checksum}-{content.rows}.parquet"
    put(manifests.store(settings), file, part)
    return file
