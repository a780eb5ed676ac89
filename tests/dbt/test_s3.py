"""The same landing lake from S3: SeaweedFS, started once on ports of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore import get, put
from obstore.store import S3Store

from ingestion.lake import landed_objects
from ingestion.lake.folders import NO_PATH
from ingestion.lake.object_text import ObjectError, fetch
from ingestion.s3 import sdk_client
from ingestion.settings import Settings, SettingsError
from ingestion.simulation.simulator import write_landing
from orchestration.pages.overview.publish import put_files
from tests.harness.killed_shop import DIRTY
from tests.harness.processes import command, run_warm
from tests.harness.tables import loaded_lines, marts, query, set_aside
from tests.streaming import services
from tests.streaming.services import KEY, SECRET

pytestmark = pytest.mark.skipif(
    bool(services.missing_for_store()), reason=services.missing_for_store() or ""
)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server, url = services.store(tmp_path_factory.mktemp("s3"), services.free_ports(4))
    try:
        server.start()
        yield url
    finally:
        server.kill()  # asked politely it takes half a minute


def store(endpoint: str) -> S3Store:
    return S3Store(
        "lake",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=KEY,
        secret_access_key=SECRET,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def in_s3(root: Path, endpoint: str, prefix: str, **values: str) -> Settings:
    credentials = {"s3_access_key_id": KEY, "s3_secret_access_key": SECRET, **values}
    return Settings(
        _env_file=None,
        landing=f"s3://lake/{prefix}",
        warehouse=str(root / "from-s3"),
        s3_endpoint=endpoint,
        landing_slack_hours=240,
        **credentials,  # type: ignore[arg-type]  # pydantic's
    )


@pytest.mark.ci
def test_a_lake_in_s3_gives_the_same_tables_as_one_in_a_folder(
    tmp_path: Path, endpoint: str
) -> None:
    folder = Settings(
        _env_file=None,
        landing=str(tmp_path / "landing"),
        warehouse=str(tmp_path / "from-folder"),
        landing_slack_hours=240,
    )
    write_landing(DIRTY, tmp_path / "landing")
    for path in sorted((tmp_path / "landing").rglob("*.json.gz")):
        key = f"some/where/{path.relative_to(tmp_path / 'landing').as_posix()}"
        put(store(endpoint), key, path.read_bytes())
    bucket = in_s3(tmp_path, endpoint, "some/where")
    run_warm(folder, tmp_path / "log", "load")
    run_warm(bucket, tmp_path / "log", "load")
    assert marts(bucket) == marts(folder)
    assert set_aside(bucket) == set_aside(folder)
    assert loaded_lines(bucket) == loaded_lines(folder) > 1000
    keys = "select object_key, lines, loaded from audit.landed_objects"
    assert set(query(bucket, keys)) == set(query(folder, keys))
    assert run_warm(bucket, tmp_path / "again", "load").startswith("0 objects, 0 lines: ")


def test_a_key_with_a_line_feed_hides_no_object_beside_it(tmp_path: Path, endpoint: str) -> None:
    lake = in_s3(tmp_path, endpoint, "odd")
    hour = "topics/clickstream/dt=2026-11-01/hour=12"
    for name in ("a.json.gz", "line\nfeed.json.gz", "z.json.gz"):
        sdk_client(lake).put_object(Bucket="lake", Key=f"odd/{hour}/{name}", Body=b"123")
    found = list(landed_objects.list_landed(landed_objects.open_store(lake), "clickstream"))
    assert [(each.key, each.error) for each in found] == [
        (f"{hour}/line\\nfeed.json.gz", NO_PATH),
        (f"{hour}/a.json.gz", None),
        (f"{hour}/z.json.gz", None),
    ]


def test_the_overview_is_published_into_a_bucket_where_a_browser_can_open_it(
    tmp_path: Path, endpoint: str
) -> None:
    published = in_s3(tmp_path, endpoint, "x", overview="s3://lake/for/all/")
    for text in ("<p>before</p>", "<p>now, in Malmö</p>"):
        put_files(published, {"overview.html": text, "overview.json": "{}"})
    page = get(store(endpoint), "for/all/overview.html")
    assert bytes(page.bytes()).decode() == "<p>now, in Malmö</p>"
    assert page.attributes["Content-Type"] == "text/html; charset=utf-8"


def test_an_object_deleted_from_s3_after_the_listing_has_vanished(
    tmp_path: Path, endpoint: str
) -> None:
    store = landed_objects.open_store(in_s3(tmp_path, endpoint, "x"))
    with pytest.raises(ObjectError, match=r"^vanished: it was listed"):
        fetch(store, "topics/gone.json.gz")


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        ({"s3_secret_access_key": "wrong"}, "x"),
        ({"s3_access_key_id": "nobody"}, "x"),
    ],
    ids=["wrong secret", "unknown key"],
)
def test_refused_credentials_are_one_sentence(
    tmp_path: Path, endpoint: str, values: dict[str, str], prefix: str
) -> None:
    refused = in_s3(tmp_path, endpoint, prefix, **values)
    done = command("load", settings=refused)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"twist: the landing lake s3://lake/{prefix} cannot be listed: ")
    assert "TWIST_S3_SECRET_ACCESS_KEY" in sentence
    assert not {"wrong", SECRET} & set(sentence.split())


def test_a_bucket_that_is_not_there_is_one_sentence(tmp_path: Path, endpoint: str) -> None:
    nowhere = in_s3(tmp_path, endpoint, "x").model_copy(update={"landing": "s3://no-bucket"})
    with pytest.raises(SettingsError, match="s3://no-bucket cannot be listed"):
        landed_objects.open_store(nowhere)
