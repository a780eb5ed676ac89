"""A wrong setting is one clear sentence on stderr and a failure, never a traceback."""

import subprocess
from pathlib import Path

import pytest

from ingestion.settings import Settings
from tests.harness.given import load, sku, stock, view
from tests.harness.processes import Warm, command, run_warm
from tests.harness.tables import query


def settings(root: Path, **values: object) -> Settings:
    (root / "landing").mkdir(exist_ok=True)
    return Settings(
        _env_file=None,
        landing=str(root / "landing"),
        warehouse=str(root / "warehouse"),
        **values,  # type: ignore[arg-type]
    )


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """The only line that a refused command writes."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("twist: ")
    return line.removeprefix("twist: ")


@pytest.mark.parametrize("name", ["load", "rebuild", "replay-late"])
def test_a_missing_landing_folder(tmp_path: Path, name: str) -> None:
    nowhere = str(tmp_path / "nowhere")
    own = settings(tmp_path)
    said = sentence(command(name, settings=own, TWIST_LANDING=nowhere))
    assert said.startswith(f"the landing folder {nowhere} does not exist: set TWIST_LANDING")
    assert not (tmp_path / "nowhere").exists(), "it is not made"
    assert not own.warehouse_root.exists(), "and nor is a warehouse"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("TWIST_LATE_DAYS", "-1", "greater than or equal to 0"),
        ("TWIST_BOT_PATTERNS", "bot,it's", "a comma-separated list of words"),
        ("TWIST_TARGET", "prod", "'embedded', 's3', 'teradata' or 'offline'"),
        ("TWIST_BATCH_MB", "many", "valid integer"),
    ],
)
def test_a_value_that_is_none(tmp_path: Path, name: str, value: str, why: str) -> None:
    said = sentence(command("load", settings=settings(tmp_path), **{name: value}))
    assert said.startswith(f"{name}={value!r} is wrong: ")
    assert why in said


def test_a_target_without_a_local_warehouse(tmp_path: Path) -> None:
    said = sentence(command("load", settings=settings(tmp_path, target="offline")))
    assert said.startswith("this command works on the targets embedded and s3, and TWIST_TARGET is")


def test_an_s3_that_does_not_answer(tmp_path: Path) -> None:
    done = command(
        "load",
        settings=settings(tmp_path),
        TWIST_LANDING="s3://bucket/landing",
        TWIST_S3_ENDPOINT="http://127.0.0.1:9",
        TWIST_S3_ACCESS_KEY_ID="key",
        TWIST_S3_SECRET_ACCESS_KEY="hush",
    )
    said = sentence(done)
    assert said.startswith("the landing lake s3://bucket/landing cannot be listed: ")
    assert "TWIST_S3_ENDPOINT" in said
    assert "hush" not in said


@pytest.mark.parametrize(
    "arguments",
    [("sql", "select 1"), ("maintain",), ("accept", "--key", "k", "--why", "w")],
    ids=lambda arguments: str(arguments[0]),
)
def test_no_warehouse_to_work_on(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    own = settings(tmp_path)
    said = sentence(command(*arguments, settings=own))
    assert said.startswith(f"there is no warehouse in {own.warehouse_root}: run `make load`")
    assert not own.warehouse_root.exists()


def test_a_keep_below_nothing(tmp_path: Path) -> None:
    done = command("maintain", "--keep", "-5", settings=settings(tmp_path))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "--keep" in done.stderr


@pytest.mark.ci
def test_a_question_that_is_wrong_or_writes(tmp_path: Path) -> None:
    own = settings(tmp_path)
    run_warm(own, tmp_path / "log", "load")
    wrong = {
        "select * from nothing_here": "nothing_here",
        "delete from fct_twist": "one SELECT is answered, and this is DELETE",
        "selec 1": "syntax error",
        "select * from read_text('/etc/hostname')": "read_text() is not among the functions",
    }
    for sql, why in wrong.items():
        done = command("sql", sql, settings=own)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("twist: ")
        assert why in done.stderr
        assert "Traceback" not in done.stderr
    done = command("sql", "select 1 as one, null as nothing", settings=own)
    assert (done.returncode, done.stdout, done.stderr) == (0, "one,nothing\n1,\n", "")


@pytest.mark.long
def test_changed_settings_are_refused_until_a_rebuild_applies_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    three, nine = settings(tmp_path), settings(tmp_path, late_days=9)
    landed = [
        *load(view("02 10:00", sku="a"), stock("02 09:00", "a", 3), sku("a")),
        *load(view("02 10:00", arrival="10 10:00", offset=7001)),
    ]
    for delivery in landed:
        path = tmp_path / "landing" / delivery.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(delivery.body)
    cut = landed[0].key.replace("+0+", "+1+")
    (tmp_path / "landing" / cut).write_bytes(landed[0].body[:-5])
    assert Warm(three, log, "load").status() == 1, "an object is cut"
    run_warm(three, log, "accept", "--key", cut, "--why", "known")
    replayed = run_warm(three, log, "replay-late")
    assert "1 late events replayed" in replayed
    views = "select count(*) from marts.fct_twist"
    assert query(three, views) == [(2,)]

    refused = Warm(nine, tmp_path / "refused", "load")
    assert refused.status() == 1
    (said,) = refused.output().splitlines()
    assert said.startswith(
        "twist: the warehouse was built with late_days = 3, the setting is now 9"
    )
    assert "make rebuild" in said
    assert "TWIST_LATE_DAYS" in said

    run_warm(three, log, "rebuild")
    assert query(three, views) == [(2,)], "the replay is kept"
    assert query(three, "select count(replayed_at), count(*) from audit.late_events") == [(1, 1)]
    accepted = "select object_key, accepted_why from audit.landed_objects where status = 'accepted'"
    assert query(three, accepted) == [(cut, "known")]

    run_warm(nine, log, "rebuild")
    assert query(nine, views) == [(2,)]
    assert query(nine, "select count(*) from audit.late_events") == [(0,)], "it is not late now"
    assert query(nine, accepted) == [(cut, "known")]
    run_warm(nine, log, "load")
    run_warm(nine.model_copy(update={"keep_replaced_days": 0}), log, "maintain")
    assert not (tmp_path / "warehouse.replaced").exists()
    assert Warm(three, log, "load").status() == 1, "three days are the other setting now"
