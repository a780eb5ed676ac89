"""Everything that opens an object store: obstore and DuckDB get the same address and credentials.

Credentials are TWIST_S3_ACCESS_KEY_ID and TWIST_S3_SECRET_ACCESS_KEY where they are set; else what
AWS's SDK finds (`AWS_…` variables, profile, SSO, web identity, a container's or a machine's role);
else a store of one's own is asked unsigned, and AWS itself is not asked at all.

Temporary ones are renewed by botocore: those given out have ten minutes or more to live. obstore
asks for them again every five minutes. DuckDB takes those that are there when a transaction begins:
a connection that stays open needs `open_s3` again before the next one, and no transaction may take
longer than ten minutes on them.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from obstore.store import S3Store

from ingestion.extensions import isolate, load_extensions, quoted
from ingestion.settings import Settings, SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from obstore.store import S3Credential

GIVEN_OUT_FOR = timedelta(minutes=10)
"""obstore asks again five minutes before this is over."""
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
    """The credentials of this moment; None where a store of one's own is asked unsigned.

    Raises:
        SettingsError: half of them is set, AWS's SDK fails to get them, or there are none for AWS.
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
            "mend them, or set TWIST_S3_ACCESS_KEY_ID and TWIST_S3_SECRET_ACCESS_KEY"
        ) from None
    return frozen and Keys(frozen.access_key, frozen.secret_key, frozen.token or "")


def bucket(settings: Settings, address: str) -> S3Store:
    """A store for `s3://bucket/prefix` with the settings' credentials; it is not asked yet.

    Raises:
        SettingsError: as `keys`.
    """
    name, _, prefix = address.removeprefix("s3://").partition("/")
    scheme, host = _endpoint(settings)
    in_path = _is_path_style(settings)
    is_signed = keys(settings) is not None
    # obstore reads AWS_… variables too, as much as it knows of them: each is given here instead.
    return S3Store(
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


def open_s3(conn: "DuckDBPyConnection", settings: Settings) -> None:
    """Let a connection read and write the settings' object store, in its next transaction.

    A connection that is open already gets the credentials of now, if they are others.

    Raises:
        SettingsError: as `keys`.
    """
    given = keys(settings) or Keys("", "")
    isolate(conn)
    known = conn.execute(
        "select secret_string from duckdb_secrets() where name = ?", [SECRET]
    ).fetchone()
    if known and f";key_id={given.id};" in known[0]:
        return  # replacing it for nothing would collide with whoever does so in a transaction
    load_extensions(conn, "httpfs")
    scheme, host = _endpoint(settings)
    # DuckDB reads AWS_… variables for what is not given here: an empty text is given too.
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


def open_place(conn: "DuckDBPyConnection", settings: Settings, address: str) -> None:
    """As `open_s3`, where the address is one in S3; nothing to do for a folder."""
    if address.startswith("s3://"):
        open_s3(conn, settings)


def errors() -> tuple[type[Exception], ...]:
    """What obstore and DuckDB raise where a store refuses or does not answer."""
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
    """What botocore finds, which renews it; asked once a process (it may take two seconds).

    A machine's or a container's role is AWS's: no store of one's own is shown it, or waits for it.
    """
    from botocore.session import Session  # 0.4 s

    session: Any = Session()
    if not session.get_config_variable("region"):
        session.set_config_variable("region", region)  # of the service that lends out roles
    if not is_aws:
        for provider in ("container-role", "iam-role"):
            session.get_component("credential_provider").remove(provider)
    found = session.get_credentials()
    if not found and is_aws:
        raise SettingsError(NO_CREDENTIALS)  # not kept: the next call asks again
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
