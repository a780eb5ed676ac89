"""`make load`: everything that was listed when it started, in bounded batches, then the models."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingestion.contract.topics import STAGED
from ingestion.lake.erased_lines import Eraser
from ingestion.lake.landed_objects import Listed, open_store
from ingestion.lake.unread_keys import found_instead, sentence
from ingestion.settings import NOTHING_READ, Settings, TwistError
from orchestration.erasure.objects import settle
from orchestration.erasure.registry import registered
from orchestration.erasure.tables import LINES, TABLES_OF_A_RUN, drop, forget_batch
from orchestration.warehouse import loaded_by
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.dbt_runner import Dbt, DbtFailed
from orchestration.warehouse.engine_protocol import Engine
from orchestration.warehouse.engines import engine_of
from orchestration.warehouse.load_report import LoadReport, report_since

LISTING, BATCH, READINGS = "load_listing", "load_objects", "load_readings"
COMPUTE_MODELS = ("path:models/changed", "path:models/intermediate", "path:models/marts")
VIEWS = "config.materialized:view"
MODELS_BY_TOPIC = {
    "product_catalog": ("load_catalog", "stg_catalog__skus"),
    "dead_letters": ("load_dead_letters", "dead_letters"),
}
"""Models that are skipped while no object of a topic lands, as in most cycles of live mode."""
SMALL_MB = 4
"""Less is loaded and computed in one dbt run, in one thread: two cost a sixth more CPU."""
COMPUTE_EVERY_MB = 1000
"""A backlog is computed in portions of about a large retailer's day (compressed)."""


@dataclass(frozen=True)
class OpenWork:
    """Work left by earlier loads, or requested by a user."""

    newest_load: int = 0
    replays: bool = False
    again: bool = False
    """Objects are to be read again: unreadable ones, and ones with lines ahead of the clock."""
    uncomputed: bool = False
    """A table of the marts does not exist, or lacks some staged rows (after a kill)."""

    def any(self) -> bool:
        """Whether there is work though nothing new has landed."""
        return self.replays or self.again or self.uncomputed


@dataclass(frozen=True)
class Batch:
    """A number of objects, and their compressed megabytes."""

    objects: int
    megabytes: float


def load(
    settings: Settings,
    dbt: Dbt,
    say: Callable[[str], None],
    *,
    compute: bool = True,
    listed: Listed | None = None,
) -> LoadReport:
    """Load what is new in the landing lake and bring every table up to date.

    If the caller passes `listed`, nothing else is listed (except on Teradata, which always lists
    everything by itself).

    Raises:
        SettingsError: the landing lake cannot be listed, or a setting was changed.
        NothingRead: something lies in the landing lake, and nothing of it is recognized.
        WarehouseLocked: another process is writing.
        DbtFailed: a model failed; the next load completes what this one left.
    """
    started = time.monotonic()
    engine = engine_of(settings)
    engine.require_landing()
    engine.prepare(dbt)
    settle(settings, engine, dbt)
    todo = _open_work(engine, dbt)
    engine.list_landed(dbt, listed)
    new, topics = _new_objects(engine, dbt)
    if not new.objects and listed is None:
        _refuse_unread_lake(settings, engine, dbt)
    if compute and new.objects and new.megabytes < settings.batch_mb:
        _announce(say, new)
        skip = () if todo.again or todo.uncomputed else _idle_models(engine, dbt, topics)
        if not _load_at_once(engine, dbt, skip, new):
            _load_backlog(engine, dbt, say, OpenWork(), compute=compute)
    elif new.objects or todo.any():
        _load_backlog(engine, dbt, say, todo, compute=compute)
    report = report_since(settings, dbt.query, todo.newest_load, time.monotonic() - started)
    if report.objects or todo.any():
        newest = f"select max(load_id) from {engine.relation('audit', 'watermarks')}"
        loaded_by.note(settings, int(dbt.query(newest)[0][0] or 0))
    return report


class NothingRead(TwistError):
    """Nothing in the landing lake is of its layout; the message names some keys and the cure."""

    status = NOTHING_READ


def _refuse_unread_lake(settings: Settings, engine: Engine, dbt: Dbt) -> None:
    """Raise where no object was listed, and something lies there.

    An idle load lists the newest folder's objects again: it looks at nothing else.
    """
    if not keeps_files(settings):
        return
    listed = f"{engine.relation('load', LISTING)} where list_error is null"
    if dbt.query(f"select count(*) from {listed}") != [(0,)]:
        return
    if keys := found_instead(open_store(settings)):
        raise NothingRead(sentence(settings.landing_root, keys))


def _load_at_once(engine: Engine, dbt: Dbt, skip: tuple[str, ...], new: Batch) -> bool:
    """Take a batch, load and compute it; return whether nothing is left.

    Something is left if objects that could not be read before have filled the batch.
    """
    if new.megabytes < SMALL_MB and not _must_erase(engine, dbt):
        try:
            with engine.one_thread(dbt):
                _run(dbt, ("tag:load", *COMPUTE_MODELS), exclude=(LISTING, *skip))
        except DbtFailed:  # a model of the marts must not keep lines from being loaded
            _load_models(engine, dbt, exclude=(LISTING, *skip))
            raise
    else:
        _load_models(engine, dbt, exclude=(LISTING, *skip))
        _run(dbt, COMPUTE_MODELS, exclude=skip)
    return _is_last(engine, dbt, _batch(engine, dbt))


def _is_last(engine: Engine, dbt: Dbt, batch: Batch) -> bool:
    """Whether nothing is left after this batch: it was not full, and the reader read all of it."""
    if batch.megabytes >= dbt.settings.batch_mb:
        # Where nothing was listed, no object counts as tried: the next load takes the others.
        return dbt.query(f"select count(*) from {engine.relation('load', LISTING)}") == [(0,)]
    ((unread,),) = dbt.query(
        f"""
        select count(*) from {engine.relation("load", BATCH)}
        where object_number not in (select object_number from {engine.relation("load", READINGS)})
        """
    )
    return not 0 < unread < batch.objects


def _must_erase(engine: Engine, dbt: Dbt) -> bool:
    """Whether somebody is forgotten, and the engine itself cannot tell whose a line is."""
    return not keeps_files(dbt.settings) and bool(registered(engine, dbt).hashes)


def _load_models(engine: Engine, dbt: Dbt, exclude: tuple[str, ...]) -> None:
    """Run the load models, in one thread: the objects' reader keeps the others busy."""
    erases = _must_erase(engine, dbt)
    with engine.one_thread(dbt):
        if erases:
            _run(dbt, tuple(model for model in (BATCH, *LINES) if model not in exclude))
            eraser = Eraser(dbt.settings.bot_patterns, dbt.settings.bot_exceptions)
            forget_batch(engine, dbt, eraser, registered(engine, dbt))
            exclude = (*exclude, BATCH, *LINES)
        _run(dbt, ("tag:load",), exclude=exclude)
    if erases:
        drop(engine, *TABLES_OF_A_RUN, *LINES)


def _load_backlog(
    engine: Engine, dbt: Dbt, say: Callable[[str], None], todo: OpenWork, *, compute: bool
) -> None:
    """Load batch by batch; compute after the last one, and whenever a large day has accumulated."""
    uncomputed, replays, loaded, is_last = todo.uncomputed, todo.replays, 0.0, False
    while not is_last:
        _run(dbt, (BATCH,))
        batch = _batch(engine, dbt)
        _announce(say, batch)
        loaded += batch.megabytes
        uncomputed = uncomputed or replays or batch.objects > 0
        if batch.objects or replays:
            _load_models(engine, dbt, exclude=(LISTING, BATCH))
        is_last = not batch.objects or _is_last(engine, dbt, batch)
        computes = compute and uncomputed and (is_last or loaded >= COMPUTE_EVERY_MB)
        if computes:
            _run(dbt, COMPUTE_MODELS)
        if computes:
            uncomputed, loaded = False, 0.0
        replays = False


def _run(dbt: Dbt, select: tuple[str, ...], exclude: tuple[str, ...] = ()) -> None:
    """Run models; SQL views once per process: DuckLake takes a tenth of a second to replace one."""
    exclude = (*exclude, VIEWS) if dbt.has_created_sql_views else exclude
    dbt.run("run", "--select", *select, *(("--exclude", *exclude) if exclude else ()))
    dbt.has_created_sql_views = dbt.has_created_sql_views or COMPUTE_MODELS[0] in select


def _announce(say: Callable[[str], None], batch: Batch) -> None:
    if batch.objects and batch.megabytes > 1:
        say(f"loading {batch.objects:,} objects ({batch.megabytes:,.0f} MB) …")


def _open_work(engine: Engine, dbt: Dbt) -> OpenWork:
    computing = _computing_models(dbt)
    names = ", ".join(f"'{name}'" for name in computing)
    ((newest, computed, reached, replays, again),) = dbt.query(
        f"""
        select loads.newest, loads.computed, loads.reached, requests.replays,
            landed.unreadable + ahead.reached as again
        from (
            select max(load_id) as newest,
                count(case when model_name in ({names}) then 1 end) as computed,
                min(case when model_name in ({names}) then load_id end) as reached
            from {engine.relation("audit", "watermarks")}
        ) as loads
        cross join (
            select count(*) as replays from {engine.relation("audit", "late_events")}
            where replay_requested_at is not null
        ) as requests
        cross join (
            select count(*) as unreadable from {engine.relation("audit", "landed_objects")}
            where status = 'unreadable'
        ) as landed
        cross join (
            select count(*) as reached from {engine.relation("audit", "quarantined_lines")}
            where read_again_at <= cast(current_timestamp as timestamp(6))
        ) as ahead
        """
    )
    uncomputed = computed < len(computing) or any(
        dbt.query(f"select max(load_id) from {staged} where load_id > {reached}")[0][0] is not None
        for staged in (engine.relation("staging", model) for model in STAGED.values())
    )
    return OpenWork(int(newest or 0), bool(replays), bool(again), uncomputed)


def _computing_models(dbt: Dbt) -> list[str]:
    """The models whose watermarks say how far the marts are computed."""
    manifest: Any = dbt.warm_up().manifest
    return [
        node.name
        for node in manifest.nodes.values()
        if node.resource_type == "model"
        and node.fqn[1] in ("intermediate", "marts")
        and node.config.materialized == "incremental"
    ]


def _new_objects(engine: Engine, dbt: Dbt) -> tuple[Batch, set[str]]:
    """The listed objects that no load has audited, and their topics."""
    found = dbt.query(
        f"""
        select listing.topic, count(*) as object_count,
            sum(cast(listing.object_size as bigint)) as object_bytes
        from {engine.relation("load", LISTING)} as listing
        left join (
            select object_key, etag from {engine.relation("audit", "landed_objects")}
            where status <> 'superseded'
        ) as audited
            on listing.object_key = audited.object_key and listing.etag = audited.etag
        where audited.object_key is null and listing.list_error is null
        group by listing.topic
        """
    )
    size = sum(float(row[2] or 0) for row in found) / 1e6
    return Batch(sum(int(row[1]) for row in found), size), {row[0] for row in found}


def _batch(engine: Engine, dbt: Dbt) -> Batch:
    """The objects that the table load_objects holds."""
    ((objects, size),) = dbt.query(
        f"select count(*), sum(cast(object_size as bigint)) from {engine.relation('load', BATCH)}"
    )
    return Batch(int(objects), float(size or 0) / 1e6)


def _idle_models(engine: Engine, dbt: Dbt, topics: set[str]) -> tuple[str, ...]:
    """The models of topics without objects, both now and in the batch that their tables hold."""
    empty = engine.empty_load_tables(dbt)
    return tuple(
        model
        for topic, models in MODELS_BY_TOPIC.items()
        if topic not in topics and models[0] in empty
        for model in models
    )
