"""Which credentials a store is asked with, and the sentences where there are none to use."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion import s3
from ingestion.settings import Settings, SettingsError

OWN_STORE = {"s3_endpoint": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A machine without credentials; its metadata service, which nobody answers for."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    s3._found_by_sdk.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as metadata:
        metadata.settimeout(0.05)
        address = f"http://127.0.0.1:{metadata.getsockname()[1]}"
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
        yield metadata
    s3._found_by_sdk.cache_clear()


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]  # pydantic's


def test_what_is_set_wins_over_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "found")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert s3.keys(settings()) == ("found", "hush", "token")
    own = settings(s3_access_key_id="set", s3_secret_access_key="own")
    assert s3.keys(own) == ("set", "own", "")


def test_a_profile_is_found_as_aws_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "[shop]\naws_access_key_id = a\naws_secret_access_key = b\n"
    (tmp_path / "credentials").write_text(lines)
    monkeypatch.setenv("AWS_PROFILE", "shop")
    assert s3.keys(settings()) == ("a", "b", "")


def test_a_store_of_ones_own_is_asked_unsigned_and_never_shown_the_machines_role(
    machine: socket.socket,
) -> None:
    assert s3.keys(settings(**OWN_STORE)) is None
    with pytest.raises(TimeoutError):
        machine.accept()
    with pytest.raises(SettingsError):
        s3.keys(settings())
    machine.accept()


@pytest.mark.parametrize("name", ["s3_access_key_id", "s3_secret_access_key"])
def test_half_of_the_keys_is_a_sentence_without_it(name: str) -> None:
    with pytest.raises(SettingsError, match="one of TWIST_S3_ACCESS_KEY_ID and") as raised:
        s3.keys(settings(**{name: "hush"}))
    assert "hush" not in str(raised.value)


def test_credentials_that_cannot_be_had_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SettingsError, match=r"cannot be used: The config profile \(nobody\)"):
        s3.keys(settings())
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/twist")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(SettingsError, match=r"cannot be used: .*No such file"):
        s3.keys(settings())


@pytest.mark.parametrize(
    ("values", "endpoint"),
    [
        ({"s3_region": "eu-north-1"}, "https://lake.s3.eu-north-1.amazonaws.com"),
        ({"s3_url_style": "path"}, "https://s3.us-east-1.amazonaws.com"),
        ({"s3_endpoint": "http://127.0.0.1:9/"}, "http://127.0.0.1:9"),
        ({**OWN_STORE, "s3_url_style": "virtual"}, "http://lake.127.0.0.1:9"),
    ],
    ids=["AWS", "AWS, path", "own", "own, virtual"],
)
def test_a_bucket_is_addressed_as_its_store_wants_it(values: dict[str, str], endpoint: str) -> None:
    keys = {"s3_access_key_id": "a", "s3_secret_access_key": "b"}
    store = s3.bucket(settings(**keys, **values), "s3://lake/some/where")
    assert store.config["endpoint"] == endpoint
    assert store.prefix == "some/where"
