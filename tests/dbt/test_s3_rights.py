"""Each S3 user works with no more rights than ingestion/connect/connectors/README.md gives it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore import delete, get, put
from obstore.exceptions import BaseError

from ingestion import s3
from ingestion.connect import dead_letters
from ingestion.lake import landed_objects
from ingestion.settings import Settings
from orchestration.history import manifests
from orchestration.history.export import export_all
from orchestration.warehouse.load import load as load_all
from tests.harness.given import load, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.streaming import services
from tests.streaming.test_dead_letters import failed

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        bool(services.missing_for_store()), reason=services.missing_for_store() or ""
    ),
]
RIGHTS = {
    services.KEY: ["Admin", "Read", "Write", "List"],
    "loader": ["Read:lake", "List:lake"],
    "historian": ["Read:lake", "List:lake", "Write:lake/history/*"],
    "letters": ["List:lake", "Write:lake/landing/topics/dead_letters/*"],
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store that knows these users."""
    folder = tmp_path_factory.mktemp("s3")
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": services.SECRET}],
            "actions": actions,
        }
        for name, actions in RIGHTS.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    server, url = services.store(folder, services.free_ports(4))
    server.argv.append(f"-s3.config={folder / 's3.json'}")
    try:
        server.start()
        yield url
    finally:
        server.kill()


def of(user: str, endpoint: str, root: Path) -> Settings:
    return Settings(
        _env_file=None,
        landing="s3://lake/landing",
        history="s3://lake/history",
        warehouse=str(root / "warehouse"),
        s3_endpoint=endpoint,
        s3_access_key_id=user,
        s3_secret_access_key=services.SECRET,
        landing_slack_hours=2,
    )


def test_a_loader_lists_and_gets_and_a_historian_writes_its_prefix(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_S3_ACCESS_KEY_ID", "loader")  # dbt's plugin reads them there
    monkeypatch.setenv("TWIST_S3_SECRET_ACCESS_KEY", services.SECRET)
    admin = s3.bucket(of(services.KEY, endpoint, tmp_path), "s3://lake/landing")
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


def test_dead_letters_are_written_by_a_user_who_reads_nothing(
    endpoint: str, tmp_path: Path
) -> None:
    store = landed_objects.open_store(of("letters", endpoint, tmp_path))
    (key,) = dead_letters.land(store, [failed(b"{cut")])
    with pytest.raises(BaseError):
        get(store, key)
    with pytest.raises(BaseError):
        put(store, "topics/clickstream/x", b"1")
