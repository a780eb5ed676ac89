"""A person leaves every store, and nothing that is counted changes."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from ingestion.lake.erased_lines import Forgotten
from ingestion.settings import SettingsError
from orchestration.erasure import days, objects, registry, tables
from orchestration.erasure.search import StillThere, search
from orchestration.warehouse import forget as forget_module
from orchestration.warehouse import maintain, writer_lock
from orchestration.warehouse import rebuild as rebuild_module
from orchestration.warehouse.dbt_runner import Dbt
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


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline = fill(tmp_path_factory.mktemp("filled") / "shop")
    pipeline.close()
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
        raise KeyboardInterrupt  # a step that this shop does not come to
    shop.dbt.close()
    report = shop.load()
    assert report.loaded == 0
    assert counted(shop.settings) == before
    erase(shop, *PERSONS)
    assert not plain_search(shop.root, *PERSONS)
    assert counted(shop.settings) == before
    writer_lock.release(shop.settings.warehouse_root)


def test_who_is_to_be_forgotten_and_why_must_be_said(shop: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="say why"):
        forget(shop.settings, shop.dbt, [PERSON], " ", print)
    with pytest.raises(SettingsError, match="say whom"):
        forget_module.visitors_of("", "")
    file = tmp_path / "ids"
    file.write_text(f'{PERSON}\r\n$HOME "x"\n\n{PERSON}\n')
    assert forget_module.visitors_of("", str(file)) == [PERSON, '$HOME "x"']
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
