"""What a rewrite of landed objects leaves behind, and what it could not read."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingestion.lake.object_keys import object_key
from ingestion.settings import Settings
from orchestration.erasure import objects
from orchestration.erasure.objects import Rewritten, rewrite, settle

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


def ends(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


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
