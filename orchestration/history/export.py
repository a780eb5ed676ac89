"""Exports closed days: which ones are due, and how a day is written entirely or not at all."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta

from obstore import delete, list_with_delimiter
from obstore import list as list_objects

from ingestion.contract.topics import STAGED
from ingestion.settings import Settings
from orchestration.history import duckdb_files, manifests, teradata_files
from orchestration.history.manifests import (
    TABLES,
    Content,
    HistoryDamaged,
    HistoryError,
    Written,
)  # fmt: skip
from orchestration.history.restore import verify_day
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.engines import engine_of

A_MOMENT = timedelta(seconds=2)
"""A file that changed longer than this after its manifest was written is compared by checksum."""


def closed_days(settings: Settings) -> dict[date, int]:
    """The closed days with views, and each one's newest load_id: it grows when the day changes."""
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
        viewed = f"select view_date from {table['fct_conversion_daily']} where views > 0"
        by_hour = " union all ".join(
            f"select cast(view_hour as date) as day_of, load_id from {table[name]} "
            f"where view_hour < cast({open_from} as timestamp(6))"
            for name, column in TABLES.items()
            if column == "view_hour"
        )
        found = query(
            "select changed.day_of, max(changed.load_id) as stamp from ("
            f"select view_date as day_of, load_id from {table['fct_twist']} "
            f"where view_date < {open_from} union all "
            f"{by_hour} union all "
            f"select stock_date as day_of, load_id from {openings} where stock_date < {open_from} "
            f"and stock_date in ({viewed}) union all "
            f"select view_date as day_of, load_id from {table['fct_conversion_daily']} "
            f"where view_date < {open_from} and view_date in ({viewed}) union all "
            f"select business_date as day_of, load_id from {table['twist_daily']} "
            f"where business_date < {open_from} and business_date in ({viewed})"
            ") as changed group by changed.day_of"
        )
        return dict(sorted(found.rows))


def days_to_export(settings: Settings, *, wholly: bool = False) -> dict[date, int]:
    """The closed days whose current state is not in the history lake, with their newest load_id.

    Nor is that of a day with a file that is missing, of another size, or was changed since: by the
    listing alone. `wholly` reads every file.
    """
    days = closed_days(settings)
    there = _listed(settings) if days else {}
    return {
        day: stamp
        for day, stamp in days.items()
        if _is_due(settings, day, stamp, there, wholly=wholly)
    }


def damaged_days(settings: Settings, *, wholly: bool = False) -> dict[date, str]:
    """Days of the history lake that cannot be restored, and why: also what the warehouse lacks.

    By the sizes in a listing; `wholly` reads every file.
    """
    found = {}
    there = {} if wholly else _listed(settings)
    for path in list_with_delimiter(manifests.store(settings), "manifests")["objects"]:
        name = path["path"].rpartition("/")[2].removesuffix(".json")
        with suppress(ValueError):
            day = date.fromisoformat(name)
            try:
                if wholly:
                    verify_day(settings, day)
                else:
                    _refuse_other_sizes(settings, day, there)
            except HistoryError as error:
                found[day] = str(error)
    return dict(sorted(found.items()))


def _refuse_other_sizes(
    settings: Settings, day: date, there: dict[str, tuple[int, datetime]]
) -> None:
    manifest = manifests.read_manifest(settings, day) or {"tables": {}}
    for entry in manifest["tables"].values():
        for file in entry["files"]:
            expected = entry.get("stored", {}).get(file, {}).get("size")
            size = there[file][0] if file in there else None
            if size is None or expected not in (None, size):
                state = "is missing" if size is None else f"has {size:,} bytes, not {expected:,}"
                raise HistoryDamaged(
                    f"{file} of {day} in {settings.history_root} {state}; {manifests.CURE}"
                )


def _listed(settings: Settings) -> dict[str, tuple[int, datetime]]:
    """Size and time of each file in the history lake, by its path."""
    return {
        found["path"]: (found["size"], found["last_modified"])
        for table in TABLES
        for found in list_objects(manifests.store(settings), table).collect()
    }


def _is_due(
    settings: Settings,
    day: date,
    stamp: int,
    there: dict[str, tuple[int, datetime]],
    *,
    wholly: bool,
) -> bool:
    try:
        manifest = manifests.read_manifest(settings, day)
        if manifest is None or manifest["stamp"] != stamp:
            return True
        if wholly:
            verify_day(settings, day)
    except HistoryDamaged:
        return True
    exported_at = datetime.fromisoformat(manifest["exported_at"])
    for entry in manifest["tables"].values():
        if set(entry.get("stored", ())) != set(entry["files"]):
            return True
        for file, was in entry["stored"].items():
            size, changed_at = there.get(file, (0, exported_at))
            is_suspect = wholly or changed_at > exported_at + A_MOMENT
            if size != was["size"] or (is_suspect and manifests.stored(settings, file) != was):
                return True
    return False


def export_day(settings: Settings, day: date) -> dict[str, Content]:
    """Export a closed day, read it back, and only then write the manifest.

    Raises:
        HistoryError: the day is not closed, or what was written is not what was read.
    """
    stamp = closed_days(settings).get(day)
    if stamp is None:
        raise HistoryError(
            f"{day} is not closed, or has no views: a day closes when arrivals more than "
            f"{settings.late_days + 1} days and {settings.landing_slack_hours} hours after it are "
            "loaded"
        )
    write_day = duckdb_files.write_day if keeps_files(settings) else teradata_files.write_day
    written = write_day(settings, day, stamp)
    manifests.write_manifest(settings, day, stamp, written)
    _remove_others(settings, day, written)
    return {table: content for table, (content, _) in written.items()}


def export_all(
    settings: Settings, say: Callable[[str], None], *, wholly: bool = False
) -> Iterator[date]:
    """Export every closed day whose current state is not in the history lake, whole."""
    for day in days_to_export(settings, wholly=wholly):
        rows = export_day(settings, day)["fct_twist"].rows
        say(f"{day}: {rows:,} views exported and read back")
        yield day


def _remove_others(settings: Settings, day: date, written: Written) -> None:
    """Delete the files of a day that its manifest does not name."""
    lake = manifests.store(settings)
    for table, (_, files) in written.items():
        folder = manifests.own_folder(settings, table, day)
        for found in list_objects(lake, folder).collect():
            if found["path"] not in files:
                delete(lake, found["path"])
