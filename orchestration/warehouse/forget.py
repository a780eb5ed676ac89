"""`make forget`: a person leaves every store, and the views stay; and the same for old lines.

The order survives a kill at any moment, and running it again completes it: first the registry, by
which each load drops the person from then on; then the tables, the landed objects, the history
lake and the overview; then the files, snapshots and pages in which DuckLake keeps what it replaced.
It is done when a search for the ids finds nothing. Nothing that is counted changes.
"""

import unicodedata
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion.contract.topics import DEAD_LETTERS
from ingestion.lake.erased_lines import Eraser, visitor_hash
from ingestion.settings import Settings, SettingsError
from orchestration.erasure import days, objects, registry, tables
from orchestration.erasure.needles import Needles
from orchestration.erasure.purge import purge, purge_in_time
from orchestration.erasure.search import Searched, delete_old_versions, search
from orchestration.pages.overview.publish import is_published, publish
from orchestration.warehouse.attach import keeps_files
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import engine_of

WITH_PERSONS = ("clickstream", DEAD_LETTERS)
"""The topics whose lines have a person."""
AGAIN = (
    "the next night begins again where the last completed one ended; land again what is damaged, "
    "delete it, or close what `make load` names by make accept KEY=… WHY='…'"
)
"""The cure when old lines could not be read."""
A_FOLDER = timedelta(days=1)
"""The lines of an hour's folder have arrived by a day later."""


@dataclass(frozen=True)
class Erased:
    """What an erasure did."""

    visitors: int
    objects: int
    days: int
    searched: Searched
    met_nowhere: int
    """Visitors that were in no table and no landed object, in this run or an earlier one."""

    def __str__(self) -> str:
        unknown = (
            f"; of {self.visitors:,} ids, {self.met_nowhere:,} were in no table and in no landed "
            "object: check how they are written"
        )
        short = (
            f"; {self.searched.by_value:,} ids, as they are short or of few digits, were searched "
            "for as a visitor_id, and not in the catalog's pages nor in other texts"
        )
        return (
            f"{self.visitors:,} visitors forgotten: {self.objects:,} landed objects and "
            f"{self.days:,} days of the history lake rewritten; nothing of them is left in "
            f"{self.searched.files:,} files ({self.searched.size / 1e6:,.1f} MB)"
            f"{short if self.searched.by_value else ''}{unknown if self.met_nowhere else ''}"
        )


def visitors_of(visitor: str, file: str) -> list[str]:
    """The ids that were given: one, or a file with one a line.

    Raises:
        SettingsError: there is none, one cannot be an id, or the file cannot be read.
    """
    found = [("VISITOR", visitor.encode(errors="surrogatepass"))] if visitor else []
    if file:
        try:
            lines = Path(file).read_bytes().removeprefix(BOM_UTF8).split(b"\n")
        except OSError as error:
            raise SettingsError(f"{file} cannot be read as a list of ids: {error}") from None
        found += [(f"{file}: line {number}", line) for number, line in enumerate(lines, 1)]
    ids = list(dict.fromkeys(filter(None, (_id_of(*each) for each in found))))
    if not ids:
        raise SettingsError("say whom: make forget VISITOR=… WHY='…', or FILE=… with one id a line")
    return ids


def _id_of(place: str, given: bytes) -> str:
    """The id in a line; '' in an empty one."""
    fault = ""
    try:
        visitor = given.decode().removesuffix("\r")
    except UnicodeDecodeError:
        visitor, fault = "?", "is no UTF-8"
    if not visitor.strip():
        return ""
    if any(unicodedata.category(each) == "Cc" for each in visitor):
        fault = "has a control character"
    elif visitor != visitor.strip():
        fault = "begins or ends with a blank"
    if fault:
        raise SettingsError(
            f"{place} {fault}: write each id as the shop sends it; nobody is forgotten yet"
        )
    return visitor


def forget(
    settings: Settings,
    dbt: Dbt,
    visitors: Iterable[str],
    why: str,
    say: Callable[[str], None],
    keep_minutes: float = 0,
) -> Erased:
    """Erase visitors from every store, and prove it by a search.

    Args:
        settings: The warehouse and its stores.
        dbt: Its dbt.
        visitors: Their visitor_id, as the shop sends it.
        why: The reason, kept in audit.erasures. The ids are not.
        say: Called with what is done.
        keep_minutes: For so long readers may go on reading what they see.

    Raises:
        SettingsError: the reason is empty, or a reader holds the catalog.
        WarehouseLocked: another process is writing.
        VersionsUnknown: a bucket's old versions may hold them, and this user may not see those.
        StillThere: the search has found an id.
        NotRead: a folder of the landing lake could not be listed.
        HistoryDamaged: a day of the history lake could not be read; all else was done.
    """
    ids = list(visitors)
    if not why.strip():
        raise SettingsError("say why: make forget VISITOR=… WHY='…'")
    engine = engine_of(settings)
    engine.require_landing()
    engine.prepare(dbt)
    objects.settle(settings, engine, dbt)
    forgotten = registry.ask(engine, dbt, ids, why)
    eraser, needles = Eraser(settings.bot_patterns, settings.bot_exceptions), Needles(ids)
    known = frozenset(ids)
    tables.forget(engine, dbt, eraser, ids, forgotten)
    done = objects.rewrite(
        settings, engine,
        lambda text, topic: eraser.erase(
            text, topic, known.__contains__, lambda part: needles.find(part, within_text=True)
        ),
        say,
    )  # fmt: skip
    objects.settle(settings, engine, dbt)
    if done.unreadable:
        say(f"could not be read, and so not rewritten: {objects.shown(done.unreadable)}")
    rewritten = days.rewrite(settings, days.Whose(visitors=ids))
    if is_published(settings):
        publish(settings, lambda: dbt)
    if keeps_files(settings):
        dbt.close()
        purge(settings, say, keep_minutes)
    if versions := delete_old_versions(settings, ids):
        say(f"deleted {versions:,} old versions of objects, which held them")
    searched = search(settings, ids)
    if rewritten.damaged and searched.found:
        say(f"an id is still in {objects.shown(searched.found)}")
    rewritten.refuse_damaged()
    searched.refuse()
    objects.refuse_unread(done.unlisted, "run it again when they can be listed")
    in_objects = {visitor_hash(forgotten.salt, who): n for who, n in done.by_visitor.items()}
    registry.done(engine, dbt, forgotten.hashes, in_objects)
    unknown = registry.met_nowhere(engine, dbt, sorted(forgotten.hashes))
    return Erased(len(ids), done.rewritten, rewritten.days, searched, unknown)


def forget_old(
    settings: Settings, dbt: Dbt, now: datetime, say: Callable[[str], None]
) -> datetime | None:
    """Erase everybody from the lines that arrived more than `raw_days` ago; until when, or None.

    A day's lines are erased once: a run reads what arrived since the last completed one's day.

    Raises:
        NotRead: an object could not be read, and is not accepted, or a folder not be listed.
        HistoryDamaged: a day of the history lake could not be read; all else was done.
    """
    engine = engine_of(settings)
    engine.require_landing()
    engine.prepare(dbt)
    objects.settle(settings, engine, dbt)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    before = midnight - timedelta(days=settings.raw_days)
    since = registry.old_lines_erased(engine, dbt)
    if since and since >= before:
        return None
    why = f"older than {settings.raw_days} days"
    registry.ask_old(engine, dbt, before, why)
    eraser = Eraser(settings.bot_patterns, settings.bot_exceptions)
    tables.forget_old(engine, dbt, eraser, since, before)
    done = objects.rewrite(
        settings, engine,
        lambda text, topic: (eraser.erase_all(text, topic), []),
        say,
        topics=WITH_PERSONS,
        since=since and (since - A_FOLDER).replace(tzinfo=UTC),
        until=(before - A_FOLDER).replace(tzinfo=UTC),
    )  # fmt: skip
    objects.settle(settings, engine, dbt)
    rewritten = days.rewrite(settings, days.Whose(before=before))
    if keeps_files(settings):
        dbt.close()
        purge_in_time(settings, say)
    closed = objects.accepted(engine, dbt) if done.unreadable else set()
    if passed := [key for key in done.unreadable if key in closed]:
        say(f"passed over, as they cannot be read and were accepted: {objects.shown(passed)}")
    objects.refuse_unread(
        [*done.unlisted, *(key for key in done.unreadable if key not in closed)], AGAIN
    )
    rewritten.refuse_damaged()
    registry.done_old(engine, dbt, before, why, done.rewritten)
    say(
        f"lines before {before:%Y-%m-%d}: {done.rewritten:,} of {done.read:,} landed objects "
        "rewritten"
    )
    return before
