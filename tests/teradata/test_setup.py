"""`make teradata-script` sets up all that a load needs, and each fault in it is noticed."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingestion.settings import Settings, SettingsError, load_settings
from orchestration.cli import cli
from orchestration.warehouse.engines import Teradata as Engine
from orchestration.warehouse.engines import _require_session
from orchestration.warehouse.teradata_setup import script
from tests.teradata import emulator
from tests.teradata.emulator import TeradataError, driver
from tests.teradata.warehouse import LOCATION

SETTINGS = Settings(_env_file=None, target="teradata", teradata_landing=LOCATION)
LISTING = f"""select location from read_nos (using location('{LOCATION}/topics/')
    authorization(twist_landing.landing_access) returntype('NOSREAD_KEYS')) as listed"""
TABLE = f"""create multiset foreign table twist_landing.lines, external security {{}} (
    location varchar(2048) character set unicode casespecific,
    raw_line varchar(32000) character set unicode casespecific) using (
    location('{LOCATION}/topics/') pathpattern('$topics/$file')
    rowformat('{{{{"field_delimiter":"\\u0001","record_delimiter":"\\n","character_set":"UTF8"}}}}')
    storedas('TEXTFILE') header('FALSE')) no primary index"""
PLAIN = TABLE.format("twist_landing.landing_access")
VIEW = [
    "create multiset table twist_staging.t (a bigint) primary index (a)",
    "replace view twist_overview.v as select a from twist_staging.t",
    "select a from twist_overview.v",
]


def system_of(text: str, landing: Path) -> emulator.System:
    (landing / "topics").mkdir()
    (landing / "topics" / "a.json.gz").write_bytes(gzip.compress(b"a"))
    system = emulator.System([], landing)
    system.set_up(text)
    emulator.install()
    emulator.use(system)
    return system


def session(text: str, landing: Path) -> Any:
    """A cursor of dbt's user on a system that this script has set up."""
    system_of(text, landing)
    return driver.connect(tmode="ANSI", user="twist_dbt", runstartup=True).cursor()


def test_all_that_a_load_asks_for_is_allowed(tmp_path: Path) -> None:
    cursor = session(script(SETTINGS), tmp_path)
    for sql in (LISTING, PLAIN, "drop table twist_landing.lines", *VIEW, "select '😀' as x"):
        cursor.execute(sql)


def without(*words: str) -> Callable[[str], str]:
    """The script without the statements that hold all of these words."""
    return lambda text: ";".join(s for s in text.split(";") if not all(w in s for w in words))


def replaced(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


TRUSTED = replaced("landing_access\n", "landing_access as definer trusted\n")
STARTUP = ",\n    startup = 'set session character set unicode pass through on;'"


@pytest.mark.parametrize(
    ("edit", "asked", "code"),
    [
        (TRUSTED, [LISTING], 6881),
        (TRUSTED, [PLAIN], 6953),
        (without("grant execute on"), [LISTING], 3523),
        (without("grant execute on"), [PLAIN], 3523),
        (without("td_sysfnlib"), [LISTING], 3523),
        (without("landing_access"), [LISTING], 3807),
        (without("dbc.tablesv"), ["select tablename from dbc.tablesv"], 3523),
        (without("grant select on twist_staging to twist_overview"), VIEW, 3523),
        (without("statistics", "twist_staging"), VIEW, 3523),
        (replaced(", drop table", ""), [PLAIN, "drop table twist_landing.lines"], 3523),
        (replaced(STARTUP, ""), ["select '😀' as x"], 6705),
        (replaced("pass through on", "pass through off"), ["select '😀' as x"], 6705),
        (replaced("twist_overview from twist as permanent = 1e9",
                  "twist_overview from twist as permanent = 0"),
         ["create multiset table twist_overview.t (a bigint) primary index (a)"], 2644),
        (lambda text: text, ["create database other from twist as permanent = 0"], 3524),
        (lambda text: text, [TABLE.format("definer trusted landing_access")], 6953),
        (lambda text: text, [TABLE.format("definer trusted twist_landing.landing_access")], 3706),
    ],
)  # fmt: skip
def test_a_fault_of_the_set_up_stops_what_needs_it(
    edit: Callable[[str], str], asked: list[str], code: int, tmp_path: Path
) -> None:
    cursor = session(edit(script(SETTINGS)), tmp_path)
    with pytest.raises(driver.DatabaseError, match=f"Error {code}"):
        for sql in asked:
            cursor.execute(sql)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("time zone = '00:00'", "time zone = interval '00:00' hour to minute", 3706),
        ("charset_coll", "binary_order", 3706),
        ("startup =", "at_logon =", 3706),
        ('password = "<password>", ', "", 3706),
        ("as permanent = 20e12", "as permanent = 30e12", 2644),
        ("create user twist_dbt", "create user twist", 5612),
        ("grant execute on", "grant exec on", 3706),
        ("on twist_load to twist_dbt", "on twist_lode to twist_dbt", 3802),
    ],
)
def test_a_fault_in_the_words_of_the_script_is_refused(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    with pytest.raises(TeradataError, match=f"Error {code}"):
        system_of(replaced(old, new)(script(SETTINGS)), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("'00:00'", "'02:00'", "is not in UTC: .* TIME ZONE"),
        ("charset_coll", "multinational", "does not order texts by their bytes: .* COLLATION"),
        (STARTUP, "", "refuses emoji: .* STARTUP"),
    ],
)
def test_a_session_that_is_set_up_otherwise_is_refused_with_the_cure(
    old: str, new: str, complaint: str, tmp_path: Path
) -> None:
    for text, is_right in ((script(SETTINGS), True), (replaced(old, new)(script(SETTINGS)), False)):
        (tmp_path / str(is_right)).mkdir()
        system_of(text, tmp_path / str(is_right))
        with Engine(SETTINGS).reader() as query:
            if is_right:
                _require_session(query)
            else:
                with pytest.raises(SettingsError, match=complaint):
                    _require_session(query)


def test_foreign_tables_may_have_an_authorization_of_their_own(tmp_path: Path) -> None:
    definer = SETTINGS.model_copy(update={"teradata_authorization": "definer"})
    cursor = session(script(definer), tmp_path)
    cursor.execute(TABLE.format("definer trusted table_access"))
    cursor.execute(LISTING)


@pytest.mark.parametrize("bucket", ["", "lake"])
def test_path_variables_count_from_the_bucket(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.json.gz").write_bytes(gzip.compress(b"a"))
    system = emulator.System([], tmp_path, bucket=bucket)
    system.set_up(script(SETTINGS))
    emulator.use(system)
    cursor = driver.connect(tmode="ANSI", user="twist_dbt").cursor()
    place = "/s3/minio.example:9000/lake" if bucket else LOCATION
    table = PLAIN.replace(f"{LOCATION}/topics/", f"{place}/shop/")
    cursor.execute(table.replace("$topics/$file", "$root/$file"))
    read = "select count(*) as n from twist_landing.lines where $path.$root in ('shop')"
    assert cursor.execute(read).fetchall() == [(1,)]
    wrong = "select count(*) as n from twist_landing.lines where $path.$file in ('shop')"
    assert cursor.execute(wrong).fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("bucket", "landing", "is_right"),
    [
        ("", "/s3/bucket.s3.eu-central-1.amazonaws.com/prefix", True),
        ("", "/s3/s3.eu-central-1.amazonaws.com/bucket/prefix", False),
        ("bucket", "/s3/s3.eu-central-1.amazonaws.com/bucket/prefix", True),
        ("bucket", "/s3/bucket.s3.eu-central-1.amazonaws.com/prefix", False),
        ("", "/s3/localhost:9000/lake", False),
        ("lake", "/s3/localhost:9000/lake", True),
        ("", "/az/account.blob.core.windows.net/container", False),
        ("", "/gs/storage.googleapis.com/bucket", False),
    ],
)
def test_a_bucket_in_the_path_is_named(
    bucket: str, landing: str, is_right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_TERADATA_BUCKET", bucket)
    monkeypatch.setenv("TWIST_TERADATA_LANDING", landing)
    if is_right:
        assert load_settings().teradata_landing == landing
    else:
        with pytest.raises(SettingsError, match="TWIST_TERADATA_BUCKET"):
            load_settings()


def test_the_command_prints_the_script_for_these_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIST_DB_PREFIX", "shop")
    printed = CliRunner().invoke(cli, ["teradata-script"]).output
    assert printed == script(load_settings())
    assert "create database shop_marts from shop " in printed
