"""`make load`: everything that was listed when it started, in bounded batches, then the models."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingestion.lake import landed_objects
from ingestion.lake.landed_objects import LandedObject
from ingestion.settings import Settings
from orchestration.warehouse import prepare, teradata, writer_lock
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load_report import LoadReport, report_since
from orchestration.warehouse.reader import STAGED

LISTING, BATCH = "load_listing", "load_objects"
COMPUTED = ("path:models/intermediate", "path:models/marts")
VIEWS = "config.materialized:view"
QUIET = {
    "product_catalog": ("load_catalog", "stg_catalog__skus", "int_catalog__sku_versions"),
    "dead_letters": ("load_dead_letters", "dead_letters"),
}
"""Models that have nothing to do while no object of a topic comes: most cycles, in live mode."""
COMPUTE_EVERY_LINES = 20_000_000
"""A backlog is computed in portions of about a large retailer's day."""


@dataclass(frozen=True)
class Listed:
    """What somebody found in the landing lake, and when (UTC)."""

    at: datetime
    objects: Sequence[LandedObject]


def load(
    settings: Settings,
    dbt: Dbt,
    say: Callable[[str], None],
    *,
    compute: bool = True,
    listed: Listed | None = None,
) -> LoadReport:
    """Load what is new in the landing lake and bring every table up to date.

    Of what was `listed` already, nothing else is looked for (Teradata lists by itself: by NOS).

    Raises:
        SettingsError: the landing lake cannot be listed, or a setting was changed.
        WarehouseLocked: another process is writing.
        DbtFailed: a model failed; the next load repairs what this one left.
    """
    if settings.target == "teradata":
        return teradata.load(settings, dbt, say)
    started = time.monotonic()
    landed_objects.open_store(settings)
    writer_lock.take(settings.warehouse_root)
    prepare.prepare(settings, dbt)
    first_stamp, replays, unreadable, behind = _standing(dbt)
    new, new_megabytes, topics = _list(dbt, listed)
    if not (new or unreadable or behind or replays):
        return report_since(settings, dbt, first_stamp, time.monotonic() - started)
    # What fits into one batch takes one dbt run; a backlog is listed first, then cut into batches.
    is_done = compute and new > 0 and new_megabytes < settings.batch_mb
    if is_done and new_megabytes > 1:
        say(f"loading {new:,} objects ({new_megabytes:,.0f} MB) …")
    if is_done:
        quiet = () if unreadable or behind else _quiet_models(dbt, topics)
        _run(dbt, ("tag:load", *COMPUTED), (LISTING, *quiet))
    else:
        _run(dbt, (BATCH,))
    uncomputed = 0
    while True:
        objects, lines, megabytes = dbt.query(
            "select count(*), coalesce(sum(line_count), 0), coalesce(sum(object_size), 0) / 1e6 "
            "from memory.load.load_objects"
        )[0]
        is_last = megabytes < settings.batch_mb
        if objects and megabytes > 1 and not is_done:
            say(f"loading {objects:,} objects, {lines:,} lines ({megabytes:,.0f} MB) …")
        uncomputed += lines
        behind = behind or lines > 0 or replays
        computes = compute and behind and (is_last or uncomputed >= COMPUTE_EVERY_LINES)
        if is_done:
            computes = True
        elif objects or replays:
            _run(dbt, ("tag:load", *(COMPUTED if computes else ())), (LISTING, BATCH))
        elif computes:
            _run(dbt, COMPUTED)
        if computes:
            uncomputed, behind = 0, False
        is_done = replays = False
        if is_last:
            break
        _run(dbt, (BATCH,))
    return report_since(settings, dbt, first_stamp, time.monotonic() - started)


def _run(dbt: Dbt, select: tuple[str, ...], exclude: tuple[str, ...] = ()) -> None:
    """Run models; the views once a process: DuckLake takes a tenth of a second to replace one."""
    exclude = (*exclude, VIEWS) if dbt.has_made_views else exclude
    dbt.run("run", "--select", *select, *(("--exclude", *exclude) if exclude else ()))
    dbt.has_made_views = dbt.has_made_views or COMPUTED[0] in select


def _standing(dbt: Dbt) -> tuple[int, bool, bool, bool]:
    """The newest stamp; whether replays are asked for; whether objects are known as unreadable;
    and whether the last table is not there, or has not seen some staged rows, as after a kill.
    """
    newest, reached, replays, unreadable = dbt.query(
        """
        select
            (select coalesce(max(load_id), 0) from twist.audit.watermarks),
            (select max(load_id) from twist.audit.watermarks where model_name = 'twist_daily'),
            exists (from twist.audit.late_events where replay_requested_at is not null),
            exists (from twist.audit.landed_objects where status = 'unreadable')
        """
    )[0]
    is_behind = reached is None or any(
        dbt.query(f"select 1 from twist.staging.{model} where load_id > {reached} limit 1")
        for model in STAGED.values()
    )
    return newest, replays, unreadable, is_behind


def _list(dbt: Dbt, listed: Listed | None) -> tuple[int, float, set[str]]:
    """List the landing lake: how many objects are new, their megabytes and their topics.

    It makes the table load_listing as the model says: an idle load costs one listing, and no run.
    """
    connection = dbt.connection()
    if listed is None:
        listing = dbt.compiled("load_listing")
    else:
        from orchestration.warehouse.dbt_plugin import listing as rows_of  # it imports dbt

        connection.register("listed", rows_of(listed.objects))
        listed_at = f"timestamp '{listed.at.replace(tzinfo=None)}' as listed_at"
        listing = f"select *, {listed_at} from listed"
    connection.execute("create schema if not exists memory.load")
    connection.execute(f"create or replace table memory.load.load_listing as {listing}")
    new, megabytes, topics = dbt.query(
        """
        select count(*), coalesce(sum(object_size), 0) / 1e6,
            coalesce(list(distinct topic), [])
        from memory.load.load_listing
        anti join (
            select object_key, etag from twist.audit.landed_objects where status <> 'superseded'
        ) using (object_key, etag)
        """
    )[0]
    return new, megabytes, set(topics)


def _quiet_models(dbt: Dbt, topics: set[str]) -> tuple[str, ...]:
    """The models of topics of which nothing came now, nor in the batch that their tables hold."""
    empty = {
        table
        for (table,) in dbt.query(
            "select table_name from duckdb_tables() "
            "where database_name = 'memory' and schema_name = 'load' and estimated_size = 0"
        )
    }
    return tuple(
        model
        for topic, models in QUIET.items()
        if topic not in topics and models[0] in empty
        for model in models
    )
