"""What a rewrite of landed objects leaves behind, and what it could not read."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from ingestion.lake.folders import NOT_LISTED
from ingestion.lake.landed_objects import LandedObject, list_landed, open_store
from ingestion.lake.object_keys import object_key
from ingestion.settings import Settings
from orchestration.erasure import days, objects, registry, tables
from orchestration.erasure.objects import NotRead, Rewritten, rewrite, settle
from orchestration.warehouse import forget as forget_module
from orchestration.warehouse.forget import forget_old

ENGINE: Any = SimpleNamespace(knows_etags=True)
KEY = object_key("clickstream", datetime(2026, 11, 2, 10, tzinfo=UTC), 0, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(
        _env_file=None, landing=str(tmp_path / "landing"), warehouse=str(tmp_path / "w")
    )
    found.warehouse_root.mkdir()
    land(found, KEY, gzip.compress(b"by a person\n"))
    return found


def land(settings: Settings, key: str, data: bytes) -> Path:
    path = Path(settings.landing_root) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def erase(settings: Settings, **more: Any) -> Rewritten:
    return rewrite(
        settings, ENGINE, lambda text, _: (text.replace(b"person", b"x"), ["a"]), print, **more
    )


def names(settings: Settings) -> list[str]:
    return sorted(each.name for each in (Path(settings.landing_root) / KEY).parent.iterdir())


def test_what_a_killed_put_left_goes_when_the_object_is_rewritten(settings: Settings) -> None:
    for number in (1, 2):
        land(settings, f"{KEY}#{number}", b"half")
    land(settings, f"{KEY}#no", b"not of a put")
    assert erase(settings).rewritten == 1
    assert names(settings) == [Path(KEY).name, f"{Path(KEY).name}#no"]


@pytest.mark.parametrize("is_put", [True, False])
def test_what_a_put_left_that_was_killed_goes_when_the_audit_follows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, is_put: bool
) -> None:
    put: Callable[..., Any] = vars(objects)["put"]

    def killed(store: Any, key: str, data: bytes) -> None:
        if is_put:
            put(store, key, data)
        land(settings, f"{key}#1", data)
        raise KeyboardInterrupt

    monkeypatch.setattr(objects, "put", killed)
    monkeypatch.setattr(objects, "tables", SimpleNamespace(fill=lambda *_: None))
    with pytest.raises(KeyboardInterrupt):
        erase(settings)
    settle(settings, ENGINE, SimpleNamespace(run=lambda *_: None))  # type: ignore[arg-type]
    assert names(settings) == [Path(KEY).name]


DAMAGED = object_key("clickstream", datetime(2026, 11, 2, 11, tzinfo=UTC), 0, 2)


def test_what_cannot_be_read_or_listed_is_told_from_what_has_vanished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, DAMAGED, b"no gzip")
    gone = land(settings, f"{DAMAGED[:-9]}3.json.gz", b"")
    listed = [*list_landed(open_store(settings), "clickstream")]
    hours = (datetime(2026, 11, day, tzinfo=UTC) for day in (2, 5))
    listed += [
        LandedObject("clickstream", hour, f"topics/dt={hour.day}", error=f"{NOT_LISTED}: 503")
        for hour in hours
    ]
    listed.append(LandedObject("clickstream", listed[0].folder_hour, "link", error="a link"))
    gone.unlink()
    monkeypatch.setattr(objects, "list_landed", lambda *_: iter(listed))
    done = erase(settings, topics=("clickstream",), until=datetime(2026, 11, 4, tzinfo=UTC))
    assert (done.rewritten, done.unreadable) == (1, [DAMAGED])
    assert done.unlisted == ["topics/dt=2"], "later ones are for another night"


ACCEPTED: set[str] = set()


@pytest.fixture
def nights(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The nights that were completed, of an erasure of old lines that has a landing lake only."""
    engine = SimpleNamespace(knows_etags=True, require_landing=lambda: None, prepare=lambda _: None)
    found: list[Any] = []
    monkeypatch.setattr(forget_module, "engine_of", lambda _: engine)
    monkeypatch.setattr(forget_module, "keeps_files", lambda _: False)
    monkeypatch.setattr(objects, "settle", lambda *_: None)
    monkeypatch.setattr(objects, "accepted", lambda *_: ACCEPTED)
    monkeypatch.setattr(registry, "old_lines_erased", lambda *_: None)
    monkeypatch.setattr(registry, "ask_old", lambda *_: None)
    monkeypatch.setattr(registry, "done_old", lambda *given: found.append(given[2]))
    monkeypatch.setattr(tables, "forget_old", lambda *_: None)
    monkeypatch.setattr(days, "rewrite", lambda *_: days.Rewritten())
    ACCEPTED.clear()
    return found


def nightly(settings: Settings) -> list[str]:
    said: list[str] = []
    forget_old(settings, cast(Any, None), datetime(2028, 11, 1, tzinfo=UTC), said.append)
    return said


def test_a_night_that_could_not_read_an_object_is_not_completed_and_names_it(
    settings: Settings, nights: list[Any]
) -> None:
    assert len(nightly(settings)) == 1
    assert len(nights) == 1
    for number in range(2, 7):
        land(settings, f"{DAMAGED[:-9]}{number}.json.gz", b"no gzip")
    with pytest.raises(NotRead, match=r"5 objects .*2\.json\.gz; .*; and 2 more: .*accept KEY"):
        nightly(settings)
    assert len(nights) == 1


def test_what_was_accepted_is_passed_over_by_a_night_which_says_so(
    settings: Settings, nights: list[Any]
) -> None:
    land(settings, DAMAGED, b"no gzip")
    ACCEPTED.add(DAMAGED)
    said = nightly(settings)
    assert said[0] == f"passed over, as they cannot be read and were accepted: {DAMAGED}"
    assert len(nights) == 1


def test_an_object_is_accepted_while_no_version_of_it_is_open() -> None:
    with duckdb.connect() as conn:
        conn.execute(
            "create table landed_objects as select * from (values ('a', 'accepted'), "
            "('b', 'accepted'), ('b', 'unreadable'), ('c', 'loaded')) as t(object_key, status)"
        )
        engine: Any = SimpleNamespace(relation=lambda _, name: name)
        dbt: Any = SimpleNamespace(query=lambda sql: conn.execute(sql).fetchall())
        assert objects.accepted(engine, dbt) == {"a"}
