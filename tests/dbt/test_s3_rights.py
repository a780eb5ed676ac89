"""Each S3 user works with no more rights than ingestion/connect/connectors/README.md gives it."""

import gzip
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from obstore import delete, get, put
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ingestion import s3
from ingestion.connect import dead_letters
from ingestion.lake import landed_objects
from ingestion.settings import Settings, SettingsError
from orchestration.history import manifests
from orchestration.history.export import export_all
from orchestration.pages.overview.publish import put_files
from orchestration.warehouse.forget import forget
from orchestration.warehouse.load import load as load_all
from tests.harness.given import Line, load, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query
from tests.streaming import services
from tests.streaming.services import Service
from tests.streaming.test_dead_letters import failed
from tests.streaming.test_files import store_users

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(
        bool(services.missing_for_store()), reason=services.missing_for_store() or ""
    ),
]
RIGHTS = {
    services.KEY: ["Admin", "Read", "Write", "List"],
    "loader": ["Read:lake", "List:lake"],
    "historian": ["Read:lake", "List:lake", "Write:lake/history/*"],
    "publisher": ["Write:lake/overview/*"],
    "eraser": ["Read:lake", "List:lake", "Write:lake"],
}
"""Users that Docker has not: a loader that erases nothing, who exports into the bucket, who
publishes the overview, and who erases."""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store that knows these users, and those of Docker."""
    folder = tmp_path_factory.mktemp("s3")
    identities = [
        *(user(name, actions, name) for name, actions in RIGHTS.items()),
        *(each for each in store_users() if each["name"] != "lake"),
    ]
    with store_of(folder, identities) as (_, url):
        yield url


def user(name: str, actions: list[str], *keys: str) -> dict[str, Any]:
    credentials = [{"accessKey": key, "secretKey": services.SECRET} for key in keys]
    return {"name": name, "credentials": credentials, "actions": actions}


@contextmanager
def store_of(folder: Path, identities: list[dict[str, Any]]) -> Iterator[tuple[Service, str]]:
    server, url = services.store(folder, services.free_ports(4))
    server.argv.append(f"-s3.config={folder / 's3.json'}")
    know(folder, identities)
    try:
        server.start()
        yield server, url
    finally:
        server.kill()


def know(folder: Path, identities: list[dict[str, Any]]) -> None:
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))


def of(user: str, endpoint: str, root: Path, secret: str = services.SECRET) -> Settings:
    return Settings(
        _env_file=None,
        landing="s3://lake",
        history="s3://lake/history",
        warehouse=str(root / "warehouse"),
        s3_endpoint=endpoint,
        s3_access_key_id=user,
        s3_secret_access_key=secret,
        landing_slack_hours=2,
    )


def test_a_loader_lists_and_gets_and_a_historian_writes_its_prefix(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_S3_ACCESS_KEY_ID", "loader")  # dbt's plugin reads them there
    monkeypatch.setenv("TWIST_S3_SECRET_ACCESS_KEY", services.SECRET)
    admin = s3.bucket(of(services.KEY, endpoint, tmp_path), "s3://lake")
    lines = (sku("a"), stock("02 08:00", "a", 3), view("02 10:00"), stock("12 08:00", "a", 1))
    landed = load(*lines, view("12 10:00", offset=7))
    for each in landed:
        put(admin, each.key, each.body)
    shop = Pipeline(tmp_path / "shop")
    shop.settings = shop.dbt.settings = of("loader", endpoint, tmp_path)
    assert load_all(shop.settings, shop.dbt, lambda _: None).loaded == 5
    shop.close()
    lake = landed_objects.open_store(shop.settings)
    for forbidden in (
        lambda: put(lake, "topics/x", b"1"),
        lambda: delete(lake, landed[0].key),
        lambda: list(export_all(shop.settings, lambda _: None)),
    ):
        with pytest.raises(BaseError):
            forbidden()
    assert bytes(get(lake, landed[0].key).bytes()) == landed[0].body
    days = list(export_all(of("historian", endpoint, tmp_path), lambda _: None))
    assert [str(day) for day in days] == ["2026-11-02"]
    assert manifests.read_manifest(shop.settings, days[0])
    with pytest.raises(BaseError):
        put(landed_objects.open_store(of("historian", endpoint, tmp_path)), "topics/x", b"1")


def test_connect_and_dead_letters_write_their_topics_and_read_nothing(
    endpoint: str, tmp_path: Path
) -> None:
    def lake(name: str) -> S3Store:
        (secret,) = (each["credentials"][0]["secretKey"] for each in store_users()
                     if each["name"] == name)  # fmt: skip
        return s3.bucket(of(name, endpoint, tmp_path, secret), "s3://lake")

    (letter,) = dead_letters.land(lake("letters"), [failed(b"{cut")])
    key = "topics/sku_availability/dt=2026-11-01/hour=00/sku_availability+0+0000000000.json.gz"
    put(lake("connect"), key, bytes(6_000_000))  # in parts
    forbidden = (
        ("letters", lambda lake: get(lake, letter)), ("connect", lambda lake: get(lake, key)),
        ("letters", lambda lake: put(lake, key, b"1")),
        ("connect", lambda lake: put(lake, "history/manifests/x.json", b"1")),
    )  # fmt: skip
    for name, act in forbidden:
        with pytest.raises(BaseError):
            act(lake(name))


def test_who_publishes_writes_the_overview_and_reads_nothing(endpoint: str, tmp_path: Path) -> None:
    page = {"overview.html": "<p>now</p>"}
    publisher = of("publisher", endpoint, tmp_path)
    put_files(publisher.model_copy(update={"overview": "s3://lake/overview"}), page)
    admin = s3.bucket(of(services.KEY, endpoint, tmp_path), "s3://lake")
    assert bytes(get(admin, "overview/overview.html").bytes()) == b"<p>now</p>"
    with pytest.raises(BaseError):
        put_files(publisher.model_copy(update={"overview": "s3://lake/history"}), page)
    with pytest.raises(BaseError):
        get(s3.bucket(publisher, "s3://lake"), "overview/overview.html")


def test_who_erases_reads_and_writes_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_S3_ACCESS_KEY_ID", "eraser")
    monkeypatch.setenv("TWIST_S3_SECRET_ACCESS_KEY", services.SECRET)
    shop = Pipeline(tmp_path / "shop")
    with store_of(tmp_path, [user("eraser", RIGHTS["eraser"], "eraser")]) as (_, url):
        shop.settings = shop.dbt.settings = of("eraser", url, tmp_path)
        shop.deliver(landed := load(sku("a"), view("02 10:00", "a", visitor_id="victim-0001")))
        assert load_all(shop.settings, shop.dbt, lambda _: None).loaded == 2
        erased = str(forget(shop.settings, shop.dbt, ["victim-0001"], "asked", lambda _: None))
        shop.close()
        assert erased.startswith("1 visitors forgotten: 1 landed objects ")
        lake = landed_objects.open_store(shop.settings)
        texts = [gzip.decompress(bytes(get(lake, each.key).bytes())) for each in landed]
        assert all(b"victim-0001" not in text for text in texts)


def test_a_key_is_changed_as_the_procedure_says_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ingestion/connect/connectors/README.md, changing credentials, for the store's side."""
    shop = Pipeline(tmp_path / "shop")

    def loads(key: str, *lines: Line) -> int:
        monkeypatch.setenv("TWIST_S3_ACCESS_KEY_ID", key)
        monkeypatch.setenv("TWIST_S3_SECRET_ACCESS_KEY", services.SECRET)
        shop.settings = shop.dbt.settings = of(key, url, tmp_path)
        shop.deliver(load(*lines))
        loaded = load_all(shop.settings, shop.dbt, lambda _: None).loaded
        shop.close()
        return loaded

    def with_keys(*keys: str) -> list[dict[str, Any]]:
        return [user("lake", ["Read:lake", "List:lake", "Write:lake"], *keys)]

    with store_of(tmp_path, with_keys("old")) as (server, url):

        def now_knows(*keys: str) -> None:
            know(tmp_path, with_keys(*keys))
            assert server.process
            server.process.send_signal(signal.SIGHUP)

        assert loads("old", sku("a"), stock("02 08:00", "a", 3), view("02 10:00")) == 3
        now_knows("old", "new")  # step 1: both are known
        wait_until(lambda: is_let_in("new", url, tmp_path))
        assert loads("old", view("02 11:00", offset=7)) == 1
        assert loads("new", view("02 12:00", offset=8)) == 1  # steps 2 to 4
        now_knows("new")  # step 5
        wait_until(lambda: not is_let_in("old", url, tmp_path))
        with pytest.raises(SettingsError, match=r"cannot be listed.*TWIST_S3_SECRET_ACCESS_KEY"):
            loads("old")
        assert loads("new", view("02 13:00", offset=9)) == 1
        assert query(shop.settings, "select count(*) from fct_twist") == [(4,)]


def is_let_in(key: str, url: str, root: Path) -> bool:
    try:
        landed_objects.open_store(of(key, url, root))
    except SettingsError:
        return False
    return True


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + services.PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)
