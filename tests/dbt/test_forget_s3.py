"""A person leaves landing, warehouse, history and overview in S3 too, and their old versions."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from obstore import get, put
from obstore import list as list_objects

from ingestion import s3
from ingestion.settings import Settings
from orchestration.erasure import days, objects
from orchestration.warehouse import forget as forget_module
from orchestration.warehouse import maintain
from orchestration.warehouse.forget import forget
from tests.dbt.test_forget import EVERYWHERE, plain_search
from tests.harness.given import packed, view
from tests.harness.persons import OTHERS, PERSON, PERSONS, counted, fill, of
from tests.harness.pipeline import Pipeline
from tests.harness.tables import query
from tests.streaming import services
from tests.streaming.services import KEY, SECRET

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(
        bool(services.missing_for_store()), reason=services.missing_for_store() or ""
    ),
]
FILLED = "filled"
CREDENTIALS = ("s3_endpoint", "s3_access_key_id", "s3_secret_access_key")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store whose bucket keeps old versions; this process has the keys, as dbt's plugin needs."""
    server, url = services.store(tmp_path_factory.mktemp("s3"), services.free_ports(4))
    with pytest.MonkeyPatch.context() as own:
        own.setenv("TWIST_S3_ACCESS_KEY_ID", KEY)
        own.setenv("TWIST_S3_SECRET_ACCESS_KEY", SECRET)
        try:
            server.start()
            keep_versions(url)
            yield url
        finally:
            server.kill()


def keep_versions(endpoint: str) -> None:
    client = s3.sdk_client(Settings(_env_file=None, s3_endpoint=endpoint))
    client.put_bucket_versioning(
        Bucket=services.BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )


def places(endpoint: str, prefix: str) -> dict[str, Any]:
    """Everything but the catalog below a prefix."""
    below = f"s3://{services.BUCKET}/{prefix}"
    return {
        "target": "s3",
        "s3_endpoint": endpoint,
        "s3_access_key_id": Settings(_env_file=None).s3_access_key_id,
        "s3_secret_access_key": Settings(_env_file=None).s3_secret_access_key,
        "landing": f"{below}/landing",
        "warehouse_data": f"{below}/data/",
        "history": f"{below}/history",
        "overview": f"{below}/overview",
    }


@pytest.fixture(scope="module")
def filled(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop on a lake in S3; what else it has is still in folders."""
    root = tmp_path_factory.mktemp("filled") / "shop"
    own = places(endpoint, FILLED)
    of_lake = {name: own[name] for name in ("landing", *CREDENTIALS)}
    fill(root, **of_lake).close()
    return root


@pytest.fixture
def shop(
    filled: Path, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """A copy of the shop, in S3 but for its catalog; each object has an old version."""
    monkeypatch.setattr(maintain, "GRACE_SECONDS", 0)
    pipeline = Pipeline(tmp_path / "shop", slack_hours=48)
    own = places(endpoint, f"of/{tmp_path.name}")
    pipeline.settings = pipeline.dbt.settings = pipeline.settings.model_copy(update=own)
    shutil.copytree(filled / "warehouse", pipeline.root / "warehouse")
    lake = s3.bucket(pipeline.settings, f"s3://{services.BUCKET}/{FILLED}/landing")
    for each in list_objects(lake).collect():
        twice(pipeline.settings, "landing", each["path"], bytes(get(lake, each["path"]).bytes()))
    for place, folder in (("warehouse_data", "warehouse/data"), ("history", "history"),
                          ("overview", "overview")):  # fmt: skip
        for path in filter(Path.is_file, (filled / folder).rglob("*")):
            name = path.relative_to(filled / folder).as_posix()
            twice(pipeline.settings, place, name, path.read_bytes())
    shutil.rmtree(pipeline.root / "warehouse" / "data")
    yield pipeline
    pipeline.close()


def twice(settings: Settings, place: str, name: str, data: bytes) -> None:
    """Put an object, which replaces a version that holds the same."""
    store = s3.bucket(settings, getattr(settings, place))
    for _ in range(2):
        put(store, name, data)


def erase(shop: Pipeline, *visitors: str) -> list[str]:
    said: list[str] = []
    said.append(str(forget(shop.settings, shop.dbt, visitors, "asked", said.append)))
    shop.close()
    return said


def copied(shop: Pipeline, folder: Path) -> Path:
    """Every version of every object of the shop, and its catalog, as files."""
    client = s3.sdk_client(shop.settings)
    prefix = shop.settings.landing.removesuffix("landing").partition("lake/")[2]
    one = {"Bucket": services.BUCKET}
    pages = client.get_paginator("list_object_versions").paginate(**one, Prefix=prefix)
    for number, each in enumerate(each for page in pages for each in page.get("Versions", ())):
        path = folder / str(number) / each["Key"].removeprefix(prefix)
        path.parent.mkdir(parents=True)
        found = client.get_object(**one, Key=each["Key"], VersionId=each["VersionId"])
        path.write_bytes(found["Body"].read())
    shutil.copytree(shop.settings.warehouse_root, folder / "warehouse")
    return folder


def places_in(found: list[str], folder: Path) -> set[str]:
    """The kinds of places, as test_forget names them."""
    parts = [Path(name).relative_to(folder).parts for name in found]
    return {
        "/".join(part for part in path[:-1] if "=" not in part and not part.isdigit()).replace(
            "data/", "warehouse/"
        )
        for path in parts
    }


def test_a_forgotten_person_is_in_no_object_and_no_old_version(
    shop: Pipeline, tmp_path: Path
) -> None:
    before = counted(shop.settings)
    old = copied(shop, tmp_path / "before")
    in_objects = EVERYWHERE - {"catalog.sqlite", "warehouse"}
    assert places_in(plain_search(old, *PERSONS), old) >= in_objects
    said = erase(shop, *PERSONS)
    assert said[-1].startswith(
        "3 visitors forgotten: 3 landed objects and 1 days of the history lake rewritten; "
    )
    assert any("old versions of objects, which held them" in each for each in said)
    assert not plain_search(copied(shop, tmp_path / "after"), *PERSONS)
    assert counted(shop.settings) == before
    report = shop.load()
    assert (report.objects, report.duplicates) == (0, 0), "the audit follows rewritten objects"


def test_an_erasure_in_s3_that_ends_anywhere_is_completed_by_the_next(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Behind each step that writes into the bucket, one after the other, with a load in between."""
    before = counted(shop.settings)
    steps = (
        (objects, "_replace"), (objects, "settle"), (days, "put"), (days, "delete"),
        (forget_module, "publish"), (forget_module, "purge"),
        (forget_module, "delete_old_versions"),
    )  # fmt: skip
    reached = set()
    for module, name in steps:
        step = getattr(module, name)

        def ends(*args: object, step: Any = step, name: str = name, **named: object) -> object:
            step(*args, **named)
            reached.add(name)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(module, name, ends)
            erase(shop, *PERSONS)
            raise KeyboardInterrupt  # a step that this round does not come to
        shop.dbt.close()
        assert shop.load().loaded == 0
    assert reached == {name for _, name in steps}
    assert counted(shop.settings) == before
    erase(shop, *PERSONS)
    assert not plain_search(copied(shop, tmp_path / "after"), *PERSONS)
    assert counted(shop.settings) == before


def test_lines_that_connect_adds_to_an_object_meanwhile_are_neither_lost_nor_kept(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sink writes a key again, with more lines, when it was killed before it committed."""
    replace = objects._replace
    written: list[str] = []

    def after_connect(store: Any, key: str, new: bytes, etag: str) -> None:
        if "/clickstream+" in key and not written:
            text = gzip.decompress(bytes(get(store, key).bytes()))
            more = (view("13 10:00", "a", **of(who), offset=9_000_000 + n)[1]
                    for n, who in enumerate((PERSON, OTHERS[0])))  # fmt: skip
            put(store, key, packed(*text.splitlines(), *more))
            written.append(key)
        replace(store, key, new, etag)

    monkeypatch.setattr(objects, "_replace", after_connect)
    erase(shop, *PERSONS)
    assert written
    assert not plain_search(copied(shop, tmp_path / "after"), *PERSONS)
    assert shop.load().loaded == 2
    new = "select visitor_id from staging.stg_clickstream__events where kafka_offset >= 9000000"
    assert set(query(shop.settings, new)) == {(None,), (OTHERS[0],)}
