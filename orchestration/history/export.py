"""Exports closed days: which ones are due, and how a day is written entirely or not at all."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from obstore import delete
from obstore import list as list_objects

from ingestion.contract.topics import STAGED
from ingestion.settings import Settings
from orchestration.history import duckdb_files, manifests, teradata_files
from orchestration.history.manifests import TABLES, Content, HistoryError, Written
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.engines import engine_of


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
        found = query(
            "select changed.day_of, max(changed.load_id) as stamp from ("
            f"select view_date as day_of, load_id from {table['fct_twist']} "
            f"where view_date < {open_from} union all "
            f"select cast(view_hour as date) as day_of, load_id from {table['fct_twist_hourly']} "
            f"where view_hour < cast({open_from} as timestamp(6)) union all "
            f"select stock_date as day_of, load_id from {openings} where stock_date < {open_from} "
            f"and stock_date in ({viewed}) union all "
            f"select view_date as day_of, load_id from {table['fct_conversion_daily']} "
            f"where view_date < {open_from} and view_date in ({viewed}) union all "
            f"select business_date as day_of, load_id from {table['twist_daily']} "
            f"where business_date < {open_from} and business_date in ({viewed})"
            ") as changed group by changed.day_of"
        )
        return dict(sorted(found.rows))


def days_to_export(settings: Settings) -> dict[date, int]:
    """The closed days whose current state is not in the history lake, with their newest load_id."""
    return {
        day: stamp
        for day, stamp in closed_days(settings).items()
        if (manifests.read_manifest(settings, day) or {}).get("stamp") != stamp
    }


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


def export_all(settings: Settings, say: Callable[[str], None]) -> Iterator[date]:
    """Export every closed day whose current state is not in the history lake."""
    for day in days_to_export(settings):
        rows = export_day(settings, day)["fct_twist"].rows
        say(f"{day}: {rows:,} views exported and read back")
        yield day


def _remove_others(settings: Settings, day: date, written: Written) -> None:
    """Delete the files of a day that its manifest does not name."""
    lake = manifests.store(settings)
    for table, (_, files) in written.items():
        for found in list_objects(lake, manifests.day_folder(table, day)).collect():
            if found["path"] not in files:
                delete(lake, found["path"])
