"""Everything that opens an object store: obstore and DuckDB get the same address and credentials.

Credentials are TWIST_S3_ACCESS_KEY_ID and TWIST_S3_SECRET_ACCESS_KEY where they are set; else what
AWS's SDK finds (`AWS_…` variables, profile, SSO, web identity, a container's or a machine's role);
else requests to a store of your own are unsigned, and AWS itself gets none.

Temporary ones are renewed by botocore: those returned are valid for ten minutes or more. obstore
requests them again every five minutes. DuckDB uses those that it has when a transaction begins: a
connection that stays open needs `open_s3` again before the next one, and a transaction with them
must not take longer than ten minutes.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from obstore.store import LocalStore, S3Store

from ingestion.extensions import isolate, load_extensions, quoted
from ingestion.settings import Settings, SettingsError, is_s3

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from obstore.store import ObjectStore, S3Credential

GIVEN_OUT_FOR = timedelta(minutes=10)
"""obstore requests new ones five minutes before this expires."""
SECRET = "twist_s3"  # noqa: S105  # its name in DuckDB
NO_CREDENTIALS = (
    "there are no credentials for AWS S3: set TWIST_S3_ACCESS_KEY_ID and "
    "TWIST_S3_SECRET_ACCESS_KEY, or give this process AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "an AWS_PROFILE or a role; for a store of your own set TWIST_S3_ENDPOINT"
)


class Keys(NamedTuple):
    """What a request is signed with; `token` is empty where the keys are not temporary."""

    id: str
    secret: str
    token: str = ""


def keys(settings: Settings) -> Keys | None:
    """The current credentials; None where requests to a store of your own are unsigned.

    Raises:
        SettingsError: only one of the two is set, AWS's SDK fails, or there are none for AWS.
    """
    own = Keys(
        settings.s3_access_key_id.get_secret_value(),
        settings.s3_secret_access_key.get_secret_value(),
    )
    if bool(own.id) != bool(own.secret):
        raise SettingsError(
            "one of TWIST_S3_ACCESS_KEY_ID and TWIST_S3_SECRET_ACCESS_KEY is set and the other is "
            "not: set both, or neither to use AWS_… credentials"
        )
    if own.id:
        return own
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = _found_by_sdk(settings.s3_region, is_aws=not settings.s3_endpoint)
        frozen = found and found.get_frozen_credentials()
    except (BotoCoreError, ClientError, OSError) as error:
        raise SettingsError(
            f"the AWS_… credentials for S3 cannot be used: {str(error).splitlines()[0][:300]}; "
            "fix them, or set TWIST_S3_ACCESS_KEY_ID and TWIST_S3_SECRET_ACCESS_KEY"
        ) from None
    return frozen and Keys(frozen.access_key, frozen.secret_key, frozen.token or "")


class Page(NamedTuple):
    """A part of a listing, keys as they are: folders, and objects (key, size in bytes, etag)."""

    folders: list[str]
    objects: list[tuple[str, int, str]]


class Bucket(S3Store):
    """A store that can also list keys that obstore refuses, such as `a//b`."""

    settings: Settings

    def pages(self, prefix: str, delimiter: str) -> Iterator[Page]:
        """The keys that begin with `prefix`, up to the next delimiter, by AWS's own client.

        Raises:
            OSError: the store refuses or does not answer.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        root = f"{self.prefix.strip('/')}/" if self.prefix else ""
        try:
            listing = sdk_client(self.settings).get_paginator("list_objects_v2")
            for page in listing.paginate(
                Bucket=self.config["bucket"], Prefix=f"{root}{prefix}", Delimiter=delimiter
            ):
                yield Page(
                    [each["Prefix"].removeprefix(root) for each in page.get("CommonPrefixes", [])],
                    [
                        (each["Key"].removeprefix(root), each["Size"], each["ETag"])
                        for each in page.get("Contents", [])
                    ],
                )
        except (BotoCoreError, ClientError) as error:
            raise OSError(str(error)) from None


def bucket(settings: Settings, address: str) -> Bucket:
    """A store for `s3://bucket/prefix` with the settings' credentials; no request is made yet.

    Raises:
        SettingsError: as `keys`.
    """
    name, _, prefix = address.removeprefix("s3://").partition("/")
    scheme, host = _endpoint(settings)
    in_path = _is_path_style(settings)
    is_signed = keys(settings) is not None
    # obstore reads some AWS_… variables too: each is set explicitly here instead.
    store = Bucket(
        name,
        prefix=prefix or None,
        endpoint=f"{scheme}://{host}" if in_path else f"{scheme}://{name}.{host}",
        virtual_hosted_style_request=not in_path,
        region=settings.s3_region,
        skip_signature=not is_signed,
        credential_provider=(lambda: _for_obstore(settings)) if is_signed else None,
        client_options={"allow_http": True, "timeout": timedelta(seconds=30)},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )
    store.settings = settings
    return store


def sdk_client(settings: Settings) -> Any:
    """AWS's own client, for versions of objects and odd keys; with the credentials of now.

    Raises:
        SettingsError: as `keys`.
    """
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.session import Session

    given = keys(settings)
    scheme, host = _endpoint(settings)
    session: Any = Session()
    return session.create_client(
        "s3",
        endpoint_url=f"{scheme}://{host}",
        region_name=settings.s3_region,
        aws_access_key_id=given and given.id,
        aws_secret_access_key=given and given.secret,
        aws_session_token=(given and given.token) or None,
        verify=os.environ.get("SSL_CERT_FILE"),
        config=Config(
            signature_version=None if given else UNSIGNED,
            s3={"addressing_style": "path" if _is_path_style(settings) else "virtual"},
            connect_timeout=30,
            read_timeout=30,
        ),
    )


def open_place(settings: Settings, place: str) -> "ObjectStore":
    """A store for `s3://bucket/prefix`, or for a folder, which is created."""
    return bucket(settings, place) if is_s3(place) else LocalStore(place, mkdir=True)


def open_s3(conn: "DuckDBPyConnection", settings: Settings) -> None:
    """Let a connection read and write the settings' object store, in its next transaction.

    An open connection gets the current credentials, if they have changed.

    Raises:
        SettingsError: as `keys`.
    """
    given = keys(settings) or Keys("", "")
    isolate(conn)
    known = conn.execute(
        "select secret_string from duckdb_secrets() where name = ?", [SECRET]
    ).fetchone()
    if known and f";key_id={given.id};" in known[0]:
        return  # replacing it needlessly would conflict with another transaction's replacement
    load_extensions(conn, "httpfs")
    scheme, host = _endpoint(settings)
    # DuckDB reads AWS_… variables for what is not set here: empty values are set too.
    options = {
        "type": "s3",
        "key_id": quoted(given.id),
        "secret": quoted(given.secret),
        "session_token": quoted(given.token),
        "region": quoted(settings.s3_region),
        "endpoint": quoted(host),
        "url_style": "'path'" if _is_path_style(settings) else "'vhost'",
        "use_ssl": str(scheme == "https").lower(),
    }
    settled = ", ".join(f"{name} {value}" for name, value in options.items())
    conn.execute(f"create or replace secret {SECRET} ({settled})")
    if authorities := os.environ.get("SSL_CERT_FILE"):  # as obstore does by itself
        conn.execute(f"set global ca_cert_file = {quoted(authorities)}")


def let_duckdb_in(conn: "DuckDBPyConnection", settings: Settings, address: str) -> None:
    """`open_s3` where the address is in S3; does nothing for a folder."""
    if is_s3(address):
        open_s3(conn, settings)


def errors() -> tuple[type[Exception], ...]:
    """What obstore and DuckDB raise when a store refuses or does not answer."""
    import duckdb
    from obstore.exceptions import BaseError

    return BaseError, duckdb.HTTPException


def _for_obstore(settings: Settings) -> "S3Credential":
    given = keys(settings)
    assert given, "they were there when the store was opened"
    return {
        "access_key_id": given.id,
        "secret_access_key": given.secret,
        "token": given.token or None,
        "expires_at": datetime.now(UTC) + GIVEN_OUT_FOR,
    }


@cache
def _found_by_sdk(region: str, *, is_aws: bool) -> Any:
    """What botocore finds and renews; looked up once per process (it may take two seconds).

    The role of a machine or container belongs to AWS: it is not looked up for a store of your own.
    """
    from botocore.session import Session  # 0.4 s

    session: Any = Session()
    if not session.get_config_variable("region"):
        session.set_config_variable("region", region)  # of the service that issues role credentials
    if not is_aws:
        for provider in ("container-role", "iam-role"):
            session.get_component("credential_provider").remove(provider)
    found = session.get_credentials()
    if not found and is_aws:
        raise SettingsError(NO_CREDENTIALS)  # not cached: the next call tries again
    return found


def _endpoint(settings: Settings) -> tuple[str, str]:
    """Scheme, and host with port."""
    aws = f"https://s3.{settings.s3_region}.amazonaws.com"
    scheme, _, host = (settings.s3_endpoint or aws).rstrip("/").partition("://")
    return scheme, host


def _is_path_style(settings: Settings) -> bool:
    """Whether it is `host/bucket/key`, and not `bucket.host/key`."""
    if settings.s3_url_style == "auto":
        return bool(settings.s3_endpoint)
    return settings.s3_url_style == "path"
