"""Every setting of TWIST in one place: environment beats `.env` beats the defaults below.

`.env.example` shows the same settings with complete local values and a comment on each.
"""

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The checkout. Relative paths in settings are read from here, wherever a command is started."""

_STORES_OWN_HOST = r"s3[.-].*|storage\.googleapis\.com|[^.]+|[\d.]+(:\d+)?|localhost:\d+"
"""Hosts that are an object store's, not a bucket's."""


OTHERS = {
    "TWIST_ROOT", "TWIST_SWEEP", "TWIST_DEBUG", "TWIST_TEST_VIEWS", "TWIST_TERADATA_PASSWORD",
    "TWIST_POSTGRES_PASSWORD", "TWIST_CODE_SERVER", "TWIST_CODE_PORT", "TWIST_LAKE_URL",
    "TWIST_LAKE_BUCKET", "TWIST_STORE_CONNECT_SECRET", "TWIST_STORE_LETTERS_SECRET",
    "TWIST_CONNECT_DIGEST", "TWIST_SINK_SHA256",
}  # fmt: skip
"""Names that something else than `Settings` reads: make, dbt, Docker, Dagster or Kafka Connect."""

REFUSED, DAMAGED, NOTHING_READ, UNAVAILABLE, WRITE_FAILED = 1, 65, 66, 69, 74
LOCKED, NO_PERMISSION = 75, 77
"""Exit statuses, as in sysexits.h; the run book lists what each means."""


class TwistError(Exception):
    """What a command expects to go wrong; its message is the sentence that the user reads."""

    status = REFUSED
    """The exit status of a command that it ends."""


class SettingsError(TwistError):
    """A setting is wrong; the message names it and the fix."""


class Settings(BaseSettings):
    """The settings, named `TWIST_<FIELD>` in the environment.

    Where no credentials for S3 are set, the `AWS_…` of the environment are used: `ingestion/s3.py`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TWIST_", env_file=ROOT / ".env", extra="ignore", env_ignore_empty=True
    )

    landing: str = ".data/landing"
    warehouse: str = ".data/warehouse"
    warehouse_data: str = ""
    history: str = ".data/history"
    overview: str = ".data/overview"

    s3_endpoint: str = Field("", pattern=r"^(https?://[^\s/]+/?)?$")
    s3_region: str = "us-east-1"
    s3_access_key_id: SecretStr = SecretStr("")
    s3_secret_access_key: SecretStr = SecretStr("")
    s3_url_style: Literal["auto", "path", "virtual"] = "auto"

    kafka: str = "127.0.0.1:9092"
    kafka_properties: str = ""
    connect_overlay: str = ""

    target: Literal["embedded", "s3", "teradata", "offline"] = "embedded"
    teradata_host: str = "127.0.0.1"
    teradata_user: str = "twist_dbt"
    teradata_logmech: str = "TD2"
    teradata_sslmode: str = "VERIFY-FULL"
    teradata_bucket: str = Field("", pattern=r"^[\w.-]*$")
    teradata_landing: str = Field("", pattern=r"^(/(s3|S3|az|AZ|gs|GS)/[\w.:-]+(/[\w.-]+)*)?$")
    teradata_history: str = Field("", pattern=r"^(/(s3|S3|az|AZ|gs|GS)/[\w.:-]+(/[\w.-]+)*)?$")
    teradata_authorization: Literal["plain", "definer"] = "plain"
    teradata_json: Literal["functions", "patterns"] = "functions"
    db_prefix: str = "twist"

    late_days: int = Field(3, ge=0, le=365)
    bot_patterns: str = "bot,crawl,spider,headless"
    bot_exceptions: str = "cubot"
    min_sellable_qty: int = Field(1, ge=1, le=1_000_000_000)
    min_pickup_qty: int = Field(1, ge=1, le=1_000_000_000)
    time_zone: str = "UTC"
    conversion_min_units: int = Field(30, ge=1, le=1_000_000_000)
    landing_slack_hours: int = Field(2, ge=0, le=1_000_000)
    batch_mb: int = Field(128, ge=1, le=1024)
    memory_limit: str = Field("2GB", pattern=r"^\d+(\.\d+)? ?(MB|GB|MiB|GiB)$")

    raw_days: int = Field(400, ge=1, le=36_500)
    keep_replaced_days: int = Field(7, ge=0, le=36_500)

    fresh_clickstream_minutes: int = Field(15, ge=1, le=1_000_000)
    fresh_sku_availability_minutes: int = Field(60, ge=1, le=1_000_000)
    fresh_product_catalog_minutes: int = Field(2880, ge=1, le=1_000_000)
    fresh_loader_minutes: int = Field(15, ge=1, le=1_000_000)
    connect_url: str = Field("", pattern=r"^(https?://\S+)?$")
    alert_webhook: SecretStr = SecretStr("")
    docs_url: str = Field("", pattern=r"^(https?://[^\s()]+)?$")

    @field_validator("bot_patterns", "bot_exceptions")
    @classmethod
    def _lower_case_words(cls, value: str) -> str:
        words = [word.strip().lower() for word in value.split(",")]
        if not all(words) or any(set(word) & set("'%_\\\"") for word in words):
            raise ValueError("a comma-separated list of words without quotes, % _ or \\")
        return ",".join(words)

    @field_validator("time_zone")
    @classmethod
    def _whole_hours(cls, value: str) -> str:
        """Weekly over the years that the models know (macros/metric/hours_from_utc.sql)."""
        if value == "UTC":
            return value
        import pytz

        if value not in pytz.all_timezones_set:
            raise ValueError("no IANA time zone, such as Europe/Berlin")
        zone, weeks = pytz.timezone(value), range(52 * 38 + 30)
        first = datetime(2000, 1, 1, tzinfo=UTC)
        for moment in (first + timedelta(weeks=week) for week in weeks):
            offset = moment.astimezone(zone).utcoffset() or timedelta()
            if offset % timedelta(hours=1):
                hours = offset / timedelta(hours=1)
                raise ValueError(
                    f"it was {hours:+g} hours from UTC on {moment:%Y-%m-%d}, and the facts are by "
                    "hour: only a zone of whole hours can be the business day"
                )
        return value

    @field_validator("teradata_landing", "teradata_history")
    @classmethod
    def _place_of_the_bucket(cls, value: str, about: ValidationInfo) -> str:
        """NOS counts folders from the bucket, which may be the first folder of a location."""
        bucket = about.data.get("teradata_bucket", "")
        kind, host, *folders = value.strip("/").split("/") if value else ("", "")
        if bucket and folders[:1] != [bucket] and value:
            raise ValueError(f"after its host comes {bucket}, the value of TWIST_TERADATA_BUCKET")
        if not bucket and (kind.lower() == "az" or re.fullmatch(_STORES_OWN_HOST, host)):
            raise ValueError(
                "its host names no bucket: set TWIST_TERADATA_BUCKET to the bucket or container "
                "that follows"
            )
        return value

    @property
    def landing_root(self) -> str:
        """The landing lake: `s3://bucket/prefix`, or an absolute folder."""
        return _place(self.landing)

    @property
    def warehouse_root(self) -> Path:
        """The warehouse, as an absolute folder."""
        return _absolute(self.warehouse)

    @property
    def history_root(self) -> str:
        """The history lake: `s3://bucket/prefix`, or an absolute folder."""
        return _place(self.history)

    @property
    def overview_root(self) -> str:
        """Where the overview is published: `s3://bucket/prefix`, or an absolute folder."""
        return _place(self.overview)


_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/\s]+@")
"""Up to the last @ before the path: a password may hold one that is not escaped."""


def without_passwords(text: str) -> str:
    """Without the user and password of an address: `http://user:secret@host` → `http://host`."""
    return _USER_IN_ADDRESS.sub("", text)


def is_s3(place: str) -> bool:
    """Whether a place is in a bucket."""
    return place.startswith("s3://")


def _place(place: str) -> str:
    return place.rstrip("/") if is_s3(place) else str(_absolute(place))


def _absolute(folder: str) -> Path:
    try:
        return (ROOT / Path(folder).expanduser()).resolve()
    except RuntimeError:
        raise SettingsError(f"the home folder of {folder} is not known: set HOME") from None


def load_settings(**overrides: str) -> Settings:
    """Read the settings, or raise `SettingsError` with one sentence for each that is wrong."""
    try:
        in_file = dotenv_values(ROOT / ".env", interpolate=False)
        found = Settings(**overrides)  # type: ignore[arg-type]  # pydantic parses the text
    except ValidationError as error:
        raise SettingsError(
            "; ".join(
                f"TWIST_{'_'.join(map(str, e['loc'])).upper()}{_shown(e['input'])} is wrong: "
                f"{e['msg']}"
                for e in error.errors()
            )
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ROOT / '.env'} is no UTF-8 text: write it anew") from None
    if unknown := unknown_names([*os.environ, *in_file]):
        raise SettingsError("; ".join(unknown))
    return found


def _shown(value: object) -> str:
    """A wrong value as a sentence may show it: not one that may be an address with a password."""
    return "" if "@" in str(value) else f"={value!r}"


def unknown_names(names: Iterable[str]) -> list[str]:
    """A sentence for each name that begins with TWIST_ and is no setting."""
    known = {f"TWIST_{name.upper()}" for name in Settings.model_fields} | OTHERS
    wrong = {name for name in names if name.upper().startswith("TWIST_")}
    wrong -= known | {name.lower() for name in known}
    return [
        f"{name} is no setting: "
        + (f"did you mean TWIST_{close[0]}?" if close else ".env.example lists all of them")
        for name in sorted(wrong)
        for close in [get_close_matches(name[6:].upper(), [each[6:] for each in sorted(known)], 1)]
    ]
