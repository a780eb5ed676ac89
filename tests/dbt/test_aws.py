"""AWS itself and stores of one's own, with every kind of credentials: landing, warehouse data,
history and overview."""

import shutil
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import duckdb
import pytest
from obstore import list as listed
from obstore import put
from obstore.store import S3Store

from ingestion.settings import UNAVAILABLE, Settings
from orchestration.history.export import export_day
from orchestration.history.manifests import HistoryError, read_manifest
from orchestration.history.restore import verify_day
from orchestration.warehouse.attach import attach_warehouse
from tests.harness import s3_places
from tests.harness.aws import BUCKET, OWN, REGION, Cloud, Gate, cloud, lent
from tests.harness.minute_lines import landed, sku, stock, view
from tests.harness.processes import THEN, call_warm, command, run_warm
from tests.harness.s3_places import DAY, HOURS

KEYS = {
    "AKIAOURS": ("hush", ""),
    **{
        keys["AWS_ACCESS_KEY_ID"]: (keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
        for keys in HOURS
    },
}
OURS = {"s3_access_key_id": "AKIAOURS", "s3_secret_access_key": "hush"}
VIRTUAL = {"s3_endpoint": f"https://{OWN}", "s3_url_style": "virtual"}
AT = DAY + timedelta(hours=10)
AFTER = DAY + timedelta(days=5, hours=3)
"""The day is closed then."""
LANDED = "some/landing"
LOADED = "loaded"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("cloud"), KEYS) as started:
        for delivery in (
            *landed(DAY, sku(DAY), stock(AT), view(AT)),
            *landed(AFTER, view(AFTER, "Z"), stock(AFTER, "Z")),
        ):
            put(inside(started), f"{LANDED}/{delivery.key}", delivery.body)
        yield started


def inside(there: Cloud) -> S3Store:
    """The bucket, whatever is in it."""
    return S3Store(
        BUCKET,
        endpoint=there.unsigned.url,
        region=REGION,
        skip_signature=True,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def below(there: Cloud, prefix: str) -> set[str]:
    """The first words of what lies below a prefix."""
    found = [each["path"] for page in listed(inside(there), f"{prefix}/") for each in page]
    return {path.removeprefix(f"{prefix}/").split("/")[0] for path in found}


def in_s3(root: Path, prefix: str, **values: str) -> Settings:
    """All places below one prefix, but for the landing lake, which is there."""
    places_of = {
        "landing": f"s3://{BUCKET}/{LANDED}",
        "warehouse": str(root / "warehouse"),
        "warehouse_data": f"s3://{BUCKET}/{LOADED}/data",
        "history": f"s3://{BUCKET}/{prefix}/history/",
        "overview": f"s3://{BUCKET}/{prefix}/overview",
    }
    return Settings(
        _env_file=None,
        target="s3",
        s3_region=REGION,
        **(places_of | values),  # type: ignore[arg-type]  # pydantic's
    )


@pytest.fixture(scope="module")
def role(there: Cloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A role that this process may take: AWS's security token service lends out its keys."""
    token = tmp_path_factory.mktemp("role") / "token"
    token.write_text("a token of some identity provider")
    return {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/twist",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
    }


@pytest.fixture(scope="module")
def loaded(
    there: Cloud, role: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, set[str]]:
    """A warehouse on AWS that a process with a role loaded, exported and restored a day into."""
    root = tmp_path_factory.mktemp("loaded")
    said = run_warm(
        in_s3(root, LOADED),
        root / "log",
        *("load", THEN, "export", THEN, "restore", "--day", f"{DAY:%Y-%m-%d}", THEN),
        *("sql", "select count(*) as views from fct_twist"),
        **there.variables,
        **role,
    )
    assert there.aws.refused == []
    return root / "warehouse", said, {key for _, key, _ in there.aws.seen}


@pytest.mark.ci
def test_a_process_with_a_role_loads_exports_and_restores_on_aws(
    there: Cloud, loaded: tuple[Path, str, set[str]]
) -> None:
    _, said, signed_by = loaded
    assert f"exported to s3://{BUCKET}/{LOADED}/history: 1" in said
    assert f"{DAY:%Y-%m-%d} fct_twist: 1 rows restored" in said
    assert said.endswith("views\n2\n")
    assert below(there, LOADED) == {"data", "history"}
    assert below(there, f"{LOADED}/history/manifests") == {f"{DAY:%Y-%m-%d}.json"}
    assert signed_by
    assert signed_by <= set(lent())


@pytest.mark.ci
@pytest.mark.parametrize(
    ("gate", "host", "values", "variables", "key"),
    [
        ("aws", f"{BUCKET}.s3.{REGION}.amazonaws.com", OURS, HOURS[0], "AKIAOURS"),
        ("aws", f"{BUCKET}.s3.{REGION}.amazonaws.com", {}, HOURS[0], "ASIA0"),
        ("keyed", "127.0.0.1", OURS, HOURS[0], "AKIAOURS"),
        ("unsigned", "127.0.0.1", {}, {}, ""),
        ("aws", f"{BUCKET}.{OWN}", OURS | VIRTUAL, {}, "AKIAOURS"),
    ],
    ids=[
        "AWS with keys, which win over AWS_…",
        "AWS with temporary credentials",
        "an own store with keys",
        "an own store without keys",
        "an own store whose buckets are hosts",
    ],
)
def test_landing_warehouse_data_history_and_overview_lie_in(
    there: Cloud,
    loaded: tuple[Path, str, set[str]],
    tmp_path: Path,
    gate: str,
    host: str,
    values: dict[str, str],
    variables: dict[str, str],
    key: str,
) -> None:
    shutil.copytree(loaded[0], tmp_path / "warehouse")
    its: Gate = getattr(there, gate)
    endpoint = {} if gate == "aws" else {"s3_endpoint": its.url}
    before, prefix = len(its.seen), tmp_path.name
    call_warm(
        s3_places.use_all,
        in_s3(tmp_path, prefix, **endpoint, **values),
        tmp_path / "log",
        **there.variables,
        **variables,
    )
    assert its.refused == []
    hosts, keys, clients = zip(*its.seen[before:], strict=True)
    assert {name.partition(":")[0] for name in hosts} == {host}
    assert set(keys) == {key}
    assert len(set(clients)) == 2, "obstore and DuckDB"
    assert below(there, prefix) == {"history", "overview"}
    assert below(there, f"{prefix}/history/fct_twist") == {f"view_date={DAY:%Y-%m-%d}"}
    assert not [path for path in (tmp_path / "warehouse").iterdir() if "export" in path.name]


@pytest.mark.ci
def test_a_process_that_outlives_its_credentials_goes_on_with_the_next(
    there: Cloud, loaded: tuple[Path, str, set[str]], tmp_path: Path
) -> None:
    shutil.copytree(loaded[0], tmp_path / "warehouse")
    before = len(there.keyed.seen)
    call_warm(
        s3_places.outlive_credentials,
        in_s3(tmp_path, "long", s3_endpoint=there.keyed.url),
        tmp_path / "log",
        **there.variables,
        **HOURS[0],
    )
    seen = there.keyed.seen[before:]
    assert [key for key, _ in groupby(key for _, key, _ in seen)] == ["ASIA0", "ASIA1", "ASIA2"]
    both = {(key, client) for _, key, client in seen}
    assert len(both) == 6, "obstore and DuckDB with each"


@pytest.mark.ci
def test_an_export_into_s3_leaves_the_old_day_until_the_new_one_was_read_back(
    there: Cloud,
    loaded: tuple[Path, str, set[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(loaded[0], tmp_path / "warehouse")
    settings, day = in_s3(tmp_path, "again", s3_endpoint=there.keyed.url, **OURS), DAY.date()
    with pytest.raises(HistoryError, match="has no 2026-11-02: it has none; run `make export`"):
        verify_day(settings, day)
    export_day(settings, day)
    with pytest.raises(HistoryError, match="has no 2026-11-01: it has 2026-11-02 to 2026-11-02"):
        verify_day(settings, DAY.date() - timedelta(days=1))
    old = verify_day(settings, day)
    with duckdb.connect() as conn:
        attach_warehouse(conn, settings)
        conn.execute("update twist.marts.fct_twist set channel = 'app', load_id = 10000")

    def damaging(store: S3Store, key: str, content: object) -> None:
        put(store, key, b"PAR1 and no more" if key.startswith("twist_daily") else content)  # type: ignore[arg-type]

    monkeypatch.setattr("orchestration.history.duckdb_files.put", damaging)
    with pytest.raises(HistoryError, match=r"twist_daily/.* cannot be read: "):
        export_day(settings, day)
    monkeypatch.undo()
    manifest = read_manifest(settings, day)
    assert manifest
    assert manifest["tables"]["fct_twist"]["files"][0] in old["fct_twist"]
    export_day(settings, day)
    assert verify_day(settings, day) != old
    files = below(there, f"again/history/fct_twist/view_date={day}")
    assert len(files) == 1, "the old one is removed"


@pytest.mark.ci
def test_a_day_comes_back_from_s3_into_a_new_warehouse_in_a_folder(
    there: Cloud, loaded: tuple[Path, str, set[str]], tmp_path: Path
) -> None:
    settings = in_s3(tmp_path, LOADED, warehouse_data="", s3_endpoint=there.keyed.url, **OURS)
    said = run_warm(settings, tmp_path / "log", "restore", "--day", f"{DAY:%Y-%m-%d}")
    assert f"{DAY:%Y-%m-%d} fct_twist: 1 rows restored" in said


def test_no_credentials_for_aws_is_one_sentence_within_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # as a machine that is not AWS's
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        done = command(
            "load",
            settings=in_s3(tmp_path, "nobody", landing=str(tmp_path)),
            AWS_EC2_METADATA_SERVICE_ENDPOINT=address,
            AWS_CONFIG_FILE=str(tmp_path / "none"),
            AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "none"),
        )
        took = time.monotonic() - began
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("twist: there are no credentials for AWS S3: set TWIST_S3_ACCESS")
    assert took < 30, "nothing but starting a process takes more than two seconds"


@pytest.mark.ci
@pytest.mark.parametrize("name", ["export", "maintain"], ids=["obstore", "DuckDB"])
def test_a_refusal_is_one_sentence(
    there: Cloud, loaded: tuple[Path, str, set[str]], tmp_path: Path, name: str
) -> None:
    shutil.copytree(loaded[0], tmp_path / "warehouse")
    wrong = OURS | {"s3_secret_access_key": "not-the-secret"}
    done = command(name, settings=in_s3(tmp_path, "x", s3_endpoint=there.keyed.url, **wrong))
    assert done.returncode == UNAVAILABLE
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("twist: the object store refused or did not answer: ")
    assert "403" in sentence
    assert "TWIST_S3_" in sentence
    assert "not-the-secret" not in sentence
    assert there.keyed.refused
    there.keyed.refused.clear()
