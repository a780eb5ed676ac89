"""Settings: where they come from, what they may say, and the sentence when they are wrong."""

from pathlib import Path

import pytest

from ingestion.settings import ROOT, Settings, SettingsError, is_s3, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TWIST_{name.upper()}", raising=False)


def settings(env_file: Path | None = None, **values: object) -> Settings:
    return Settings(_env_file=env_file, **values)  # type: ignore[arg-type]  # pydantic's


def test_the_environment_beats_the_file_and_the_file_beats_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("TWIST_LATE_DAYS=5\nTWIST_BATCH_MB=7\n# a comment\nUNKNOWN=1\n")
    monkeypatch.setenv("TWIST_LATE_DAYS", "6")
    found = settings(file)
    assert (found.late_days, found.batch_mb, found.min_sellable_qty) == (6, 7, 1)


def test_a_file_that_was_written_on_windows_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"TWIST_LATE_DAYS=5\r\nTWIST_S3_ENDPOINT=http://127.0.0.1:9\r\n")
    found = settings(file)
    assert (found.late_days, found.s3_endpoint) == (5, "http://127.0.0.1:9")


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIST_LATE_DAYS", "")
    assert settings().late_days == 3


def test_the_example_file_says_what_the_defaults_say() -> None:
    assert settings(ROOT / ".env.example") == settings()


def test_the_example_file_names_every_setting() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = [n for n in Settings.model_fields if f"\nTWIST_{n.upper()}=" not in example]
    assert missing == []


def test_relative_folders_are_read_from_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings(landing="lake", warehouse="house", history="past")
    assert found.landing_root == str(ROOT / "lake")
    assert (found.warehouse_root, found.history_root) == (ROOT / "house", str(ROOT / "past"))


def test_absolute_folders_and_the_home_folder_stand_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert settings(landing=str(tmp_path)).landing_root == str(tmp_path)
    assert settings(landing="~/lake").landing_root == str(tmp_path / "home" / "lake")
    with pytest.raises(SettingsError, match=r"~nobody-of-this-name/lake .* set HOME"):
        _ = settings(landing="~nobody-of-this-name/lake").landing_root


def test_an_s3_landing_is_no_folder() -> None:
    found = settings(landing="s3://bucket/prefix/")
    assert is_s3(found.landing_root)
    assert found.landing_root == "s3://bucket/prefix"
    assert not is_s3(settings(landing="s3/bucket").landing_root)


def test_a_history_lake_in_s3_is_no_folder() -> None:
    assert settings(history="s3://bucket/history/").history_root == "s3://bucket/history"
    assert settings(history="past").history_root == str(ROOT / "past")


def test_bot_patterns_are_trimmed_and_in_lower_case() -> None:
    assert settings(bot_patterns=" Bot, CRAWL ,my-agent/1.0").bot_patterns == (
        "bot,crawl,my-agent/1.0"
    )


def test_secrets_are_not_shown() -> None:
    found = settings(s3_secret_access_key="hush")
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("late_days", "-1"),
        ("late_days", "366"),
        ("late_days", "three"),
        ("late_days", "1.5"),
        ("min_sellable_qty", "0"),
        ("min_pickup_qty", "0"),
        ("landing_slack_hours", "-1"),
        ("batch_mb", "0"),
        ("memory_limit", "much"),
        ("memory_limit", "4GB'; drop"),
        ("bot_patterns", "bot,,crawl"),
        ("bot_patterns", ","),
        ("bot_patterns", "bot,it's"),
        ("bot_patterns", "100%"),
        ("bot_patterns", "under_score"),
        ("bot_patterns", "back\\slash"),
        ("bot_patterns", 'quo"te'),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable_and_the_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TWIST_{name.upper()}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    sentence = str(raised.value)
    assert f"TWIST_{name.upper()}={value!r} is wrong: " in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("value", ["me:s3cret@host", "http://me:s3@cret@host/a/b", "s3cret@ host"])
def test_a_wrong_value_that_may_hold_a_password_is_not_shown(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIST_S3_ENDPOINT", value)
    with pytest.raises(SettingsError, match="TWIST_S3_ENDPOINT is wrong: ") as raised:
        load_settings()
    assert "cret" not in str(raised.value)


def test_every_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIST_LATE_DAYS", "-1")
    monkeypatch.setenv("TWIST_BATCH_MB", "x")
    with pytest.raises(SettingsError, match=r"TWIST_LATE_DAYS.*; TWIST_BATCH_MB"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("late_days", "0"),
        ("late_days", "365"),
        ("landing_slack_hours", "0"),
        ("memory_limit", "1.5GiB"),
        ("memory_limit", "500 MB"),
    ],
)
def test_the_last_right_value_is_right(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TWIST_{name.upper()}", value)
    assert str(getattr(load_settings(), name)) == value


def test_a_business_day_follows_a_zone_of_whole_hours_and_no_other() -> None:
    assert load_settings(time_zone="Europe/Berlin").time_zone == "Europe/Berlin"
    with pytest.raises(
        SettingsError, match=r"TWIST_TIME_ZONE='Asia/Kolkata' .*\+5\.5 hours from UTC"
    ):
        load_settings(time_zone="Asia/Kolkata")
    with pytest.raises(SettingsError, match="no IANA time zone, such as Europe/Berlin"):
        load_settings(time_zone="Berlin")
