"""A person leaves every store, and nothing that is counted changes."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from ingestion.lake.erased_lines import Forgotten
from ingestion.settings import SettingsError
from orchestration.erasure import days, objects, registry, tables
from orchestration.erasure import purge as purge_module
from orchestration.erasure.search import StillThere, search
from orchestration.warehouse import forget as forget_module
from orchestration.warehouse import maintain, writer_lock
from orchestration.warehouse import rebuild as rebuild_module
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import open_reader
from orchestration.warehouse.forget import forget, forget_old
from tests.harness.given import load, view
from tests.harness.persons import (
    LEAST,
    NAMELESS,
    OTHERS,
    PERSON,
    PERSONS,
    counted,
    fill,
    letter,
    lines,
    of,
)
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query
from tests.harness.warm import warm_runner

LEFT_OVERS = (  # of killed commands, each with a person in it
    "warehouse/tmp/duckdb_temp_storage-0.tmp",
    "warehouse/.export-killed/fct_twist.parquet",
    "warehouse.rebuilding/data/killed.parquet",
    "history/fct_twist/view_date=2026-11-02/killed.parquet",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline = fill(tmp_path_factory.mktemp("filled") / "shop")
    pipeline.close()
    for path in LEFT_OVERS:
        (pipeline.root / path).parent.mkdir(parents=True, exist_ok=True)
        (pipeline.root / path).write_text(f"half a row of {PERSON}")
        os.utime(pipeline.root / path, (0, 0))  # long ago: no export is writing it
    return pipeline.root


@pytest.fixture
def shop(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """The shop on its landed files, which a forget replaces, and copies of all else."""
    monkeypatch.setattr(maintain, "GRACE_SECONDS", 0)
    monkeypatch.setattr(rebuild_module, "Dbt", lambda its: Dbt(its, runner=warm_runner()))
    pipeline = Pipeline(tmp_path / "shop", slack_hours=48)
    shutil.copytree(filled, pipeline.root, dirs_exist_ok=True, copy_function=_copy)
    pipeline.settings = pipeline.dbt.settings = pipeline.settings.model_copy(
        update={"history": str(pipeline.root / "history")}
    )
    yield pipeline
    pipeline.close()


def _copy(source: str, target: str) -> None:
    if "/landing/" in source:
        os.link(source, target)  # its etag is that of the file
    else:
        shutil.copy2(source, target)


def erase(shop: Pipeline, *visitors: str) -> list[str]:
    said: list[str] = []
    said.append(str(forget(shop.settings, shop.dbt, visitors, "asked", said.append)))
    shop.close()
    return said


def stores_with(shop: Pipeline, *visitors: str) -> set[str]:
    """The kinds of places that hold one of them, by the search."""
    found = search(shop.settings, visitors).found
    parts = [Path(name).relative_to(shop.root).parts for name in found]
    return {
        "/".join(part for part in path if "=" not in part and not part.startswith("2026"))
        .rpartition("/")[0]
        .replace("data/", "")
        for path in parts
    } | {Path(name).name for name in found if "catalog" in name}


EVERYWHERE = {
    "landing/topics/clickstream", "landing/topics/dead_letters", "warehouse",
    "warehouse/staging/stg_clickstream__events", "warehouse/marts/fct_twist",
    "warehouse/audit/late_events", "warehouse/audit/quarantined_lines",
    "warehouse/audit/conflicting_copies", "history/fct_twist", "catalog.sqlite",
}  # fmt: skip


def test_a_forgotten_person_is_found_nowhere_and_what_is_counted_stays(shop: Pipeline) -> None:
    before = counted(shop.settings)
    found = stores_with(shop, PERSON)
    assert {place for place in found if not place.startswith("warehouse.replaced")} >= EVERYWHERE
    assert any(place.startswith("warehouse.replaced") for place in found)
    assert "warehouse.rebuilding/data" in found
    said = erase(shop, *PERSONS)
    assert said[-1].startswith(
        "3 visitors forgotten: 3 landed objects and 1 days of the history lake rewritten; "
        "nothing of them is left in "
    )
    assert not plain_search(shop.root, *PERSONS)
    assert counted(shop.settings) == before
    assert query(
        shop.settings,
        "select why, done_at > asked_at, staged_rows > 0, fact_rows > 0, set_aside_rows > 0, "
        "object_count > 0 from audit.erasures",
    ) == [("asked", True, True, True, True, True)] * len(PERSONS)
    # the others are as they were, and a bot's lines still tell what it was
    agents = query(
        shop.settings,
        "select visitor_id, user_agent from staging.stg_clickstream__events where is_human = 0",
    )
    assert {who for who, _ in agents} == {*OTHERS, None}
    assert {agent for who, agent in agents if who is None} == {"bot"}
    report = shop.load()
    assert (report.objects, report.duplicates) == (0, 0), "the audit follows rewritten objects"


def plain_search(root: Path, *visitors: str) -> list[str]:
    """The same search in another way: everything as one text, and split at what is no id's."""
    import gzip
    import re

    import duckdb

    found = []
    words = re.compile(r"[A-Za-z0-9-]+")
    for path in filter(Path.is_file, root.rglob("*")):
        data = path.read_bytes()
        if path.suffix == ".gz":
            text = gzip.decompress(data).decode(errors="replace")
        elif path.suffix == ".parquet":
            text = str(duckdb.sql(f"from read_parquet('{path}')").fetchall())
            text += str(duckdb.sql(f"from parquet_metadata('{path}')").fetchall())
        else:
            text = data.decode("latin-1")
            for other in OTHERS:
                text = text.replace(other, "") if other not in visitors else text
        found += [str(path) for who in visitors if who in words.findall(text) or (
            path.suffix not in (".gz", ".parquet") and who in text)]  # fmt: skip
    return found


@pytest.mark.long
def test_a_rebuild_from_the_rewritten_lake_counts_the_same_and_takes_the_registry_along(
    shop: Pipeline,
) -> None:
    before = counted(shop.settings)
    erase(shop, *PERSONS)
    rebuild_module.rebuild(shop.settings, lambda _: None)
    assert counted(shop.settings) == before
    assert query(shop.settings, "select count(*), count(done_at) from audit.erasures") == [(3, 3)]
    assert search(shop.settings, PERSONS).found == []


@pytest.mark.long
def test_what_lands_later_of_a_forgotten_person_is_loaded_without_it(shop: Pipeline) -> None:
    erase(shop, *PERSONS)
    again = [each for each in lines() if each[0] == "clickstream" and NAMELESS not in each[1]]
    new = view("13 10:00", "a", **of(LEAST))
    shop.deliver([*load(*again, new), letter(nameless=False)])
    shop.load()
    replayed = query(shop.settings, "select count(*) from audit.late_events")
    assert replayed != [(0,)]
    shop.run(["replay"])
    shop.close()
    warehouse = shop.settings.warehouse_root
    assert [
        each for each in search(shop.settings, PERSONS).found if each.startswith(str(warehouse))
    ] == []
    staged = query(
        shop.settings,
        "select count(*), count(visitor_id) from staging.stg_clickstream__events "
        "where event_date = date '2026-11-13'",
    )
    assert staged == [(1, 0)]
    # It reads the copies again; the object of letters has been replaced by a smaller one.
    rebuild_module.rebuild(shop.settings, lambda _: None, may_shrink=True)
    shop.close()
    kept = search(shop.settings, PERSONS).found
    assert [name for name in kept if name.startswith(f"{warehouse}/")] == []
    assert erase(shop, *PERSONS)[-1].startswith("3 visitors forgotten: 2 landed objects")
    assert not plain_search(shop.root, *PERSONS)


POINTS = (
    (registry, "ask"), (tables, "fill"), (objects, "settle"),
    (objects, "put"), (objects, "_note"), (days, "_publish"), (days, "delete"),
    (forget_module, "publish"), (forget_module, "purge"), (forget_module, "search"),
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("point", range(2 * len(POINTS)))
def test_an_erasure_that_ends_anywhere_is_completed_by_the_next(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    """Before or behind each step; with a load in between."""
    before = counted(shop.settings)
    module, name = POINTS[point // 2]
    step = getattr(module, name)

    def ends(*args: object, **named: object) -> object:
        if point % 2:
            step(*args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, name, ends)
        erase(shop, *PERSONS)
    shop.dbt.close()
    report = shop.load()
    assert report.loaded == 0
    assert counted(shop.settings) == before
    erase(shop, *PERSONS)
    assert not plain_search(shop.root, *PERSONS)
    assert counted(shop.settings) == before
    writer_lock.release(shop.settings.warehouse_root)


@pytest.mark.long
def test_a_reader_that_holds_the_catalog_is_named_and_the_rest_is_done_later(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_module, "PATIENCE_SECONDS", 1.0)
    with closing(open_reader(shop.settings)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from marts.fct_twist").fetchall()
        with pytest.raises(SettingsError, match=r"a reader has had .*catalog\.sqlite open for 1 s"):
            erase(shop, *PERSONS)
    assert query(shop.settings, "select count(done_at) from audit.erasures") == [(0,)]
    erase(shop, *PERSONS)
    assert not plain_search(shop.root, *PERSONS)


def test_who_is_to_be_forgotten_and_why_must_be_said(shop: Pipeline) -> None:
    with pytest.raises(SettingsError, match="say why"):
        forget(shop.settings, shop.dbt, [PERSON], " ", print)
    with pytest.raises(SettingsError, match="say whom"):
        forget_module.visitors_of("", "")
    assert PERSON not in Forgotten("", frozenset())


@pytest.mark.long
def test_what_no_load_reads_is_named(shop: Pipeline) -> None:
    stray = shop.root / "landing" / "topics" / "clickstream" / "note.json"
    stray.write_text(f'{{"who": "{PERSON}"}}')
    with pytest.raises(StillThere, match=r"note\.json: run it again"):
        erase(shop, PERSON)
    assert query(shop.settings, "select done_at from audit.erasures") == [(None,)]


@pytest.mark.long
def test_lines_older_than_raw_days_lose_everybody_once_and_younger_ones_nobody(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted(shop.settings)
    everybody = (*PERSONS, *OTHERS)
    settings = shop.settings.model_copy(update={"raw_days": 10})
    rows = "select count(*), count(visitor_id) from staging.stg_clickstream__events"
    ((staged, with_visitor),) = query(settings, rows)
    assert staged > with_visitor > 0

    def nightly(day: str) -> datetime | None:
        found = forget_old(settings, shop.dbt, datetime.fromisoformat(f"2026-11-{day}"), print)
        shop.close()
        return found

    assert nightly("13") == datetime(2026, 11, 3)
    ((_, left),) = query(settings, rows)
    assert 0 < left < with_visitor, "those of the third are not old yet"
    assert query(settings, f"{rows} where arrived_at < timestamp '2026-11-03'")[0][1] == 0
    assert nightly("13") is None
    assert counted(settings) == before
    assert shop.load().objects == 0
    nightly("15")
    nightly("23")  # the late ones arrived on the ninth, in folders of the first
    assert nightly("23") is None
    assert query(settings, rows) == [(staged, 0)]
    found = search(settings, everybody).found
    assert [each for each in found if "/landing/" in each or "/history/" in each] == []
    assert counted(settings) == before
    rebuild_module.rebuild(settings, lambda _: None)
    assert counted(settings) == before


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "name"),
    [(registry, "ask_old"), (tables, "fill"), (objects, "put"), (days, "_publish"),
     (forget_module, "purge_in_time"), (registry, "done_old")],
)  # fmt: skip
def test_a_night_that_is_killed_is_completed_by_the_next_which_reads_only_what_is_new(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    before = counted(shop.settings)
    settings = shop.settings.model_copy(update={"raw_days": 10})
    said: list[str] = []
    step = getattr(module, name)

    def nightly(day: int) -> datetime | None:
        found = forget_old(settings, shop.dbt, datetime(2026, 11, day), said.append)
        shop.close()
        return found

    def in_folders(first: int, last: int) -> int:
        days = (f"dt=2026-11-{day:02}" for day in range(first, last + 1))
        return sum(
            len(list((shop.root / "landing/topics" / topic / day).rglob("*.gz")))
            for day in days for topic in forget_module.WITH_PERSONS
        )  # fmt: skip

    def ends(*args: object, **named: object) -> None:
        step(*args, **named)
        raise KeyboardInterrupt

    nightly(12)  # nothing is of the first
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, name, ends)
        nightly(14)
    shop.dbt.close()
    assert shop.load().loaded == 0
    assert nightly(14) == (None if name == "done_old" else datetime(2026, 11, 4))
    assert f" of {in_folders(1, 2):,} landed objects" in said[-1] or name == "done_old"
    nightly(24)
    assert f" of {in_folders(3, 12):,} landed objects" in said[-1]
    assert 0 < in_folders(3, 12) < in_folders(1, 14)
    found = search(settings, (*PERSONS, *OTHERS)).found
    assert [each for each in found if "/landing/" in each or "/history/" in each] == []
    assert counted(settings) == before
