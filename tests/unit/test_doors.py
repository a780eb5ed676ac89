"""What a question, a key or a name can do: be answered, or be refused; nothing else."""

import io
import os
import shlex
import subprocess
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import ROOT, SettingsError, load_settings, unknown_names, without_passwords
from orchestration import cli
from orchestration.shown import pasteable, visible
from orchestration.warehouse.csv_writer import write_csv
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.run_results import markdown

HOSTILE = "$(touch made) `touch made` ${HOME} $HOME 'it''s' \"q\" \\ # ; & | > made * \x1b[31m\n--"


@pytest.mark.parametrize(
    "question",
    [
        "select 1; select 2",
        "select 1; drop table t",
        "attach 'other.db'",
        "copy (select 1) to 'made'",
        "export database 'made'",
        "create table made as select 1",
        "insert into t values (1)",
        "delete from t",
        "pragma import_database('made')",
        "set threads = 1",
        "install httpfs",
        "call pragma_version()",
        "explain select 1",
        "from ducklake_cleanup_old_files('twist', cleanup_all => true)",
        "select * from t where i in (select 1 from ducklake_delete_orphaned_files('twist'))",
        "from query('select 1')",
        "with a as (select * from read_text('/etc/hostname')) from a",
        "from glob('/*')",
        "from 'made.csv'",
        'from "/etc/hostname"',
        "",
        "-- nothing",
    ],
)
def test_whatever_is_not_one_select_of_tables_is_refused(question: str) -> None:
    conn = duckdb.connect()
    conn.execute("create table t as select 1 as i")
    with pytest.raises((SettingsError, duckdb.Error)):
        write_csv(conn, question, io.StringIO())
    assert conn.execute("from t").fetchall() == [(1,)]
    assert conn.execute("select table_name from duckdb_tables()").fetchall() == [("t",)]
    assert not Path("made").exists()


@pytest.mark.parametrize(
    "question",
    [
        "select 1;",
        "from t",
        "values (1)",
        "describe t",
        "summarize t",
        "with a as (from t) select count(*) from a, range(3), unnest([1])",
        "pivot t on i in (1, 2) using sum(i)",
        "select estimated_size from duckdb_tables()",
    ],
)
def test_one_select_is_answered(question: str) -> None:
    conn = duckdb.connect()
    conn.execute("create table t as select 1 as i")
    write_csv(conn, question, out := io.StringIO())
    assert out.getvalue().count("\n") >= 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_control_characters_and_a_pipe_gets_the_data() -> None:
    asked = "select chr(27) || '[31m' || chr(8238) as a"
    write_csv(duckdb.connect(), asked, shown := Terminal())
    assert shown.getvalue() == "a\n\\x1b[31m\\u202e\n"
    write_csv(duckdb.connect(), asked, piped := io.StringIO())
    assert piped.getvalue() == "a\n\x1b[31m\u202e\n"


@pytest.mark.parametrize(
    ("target", "name", "command"),
    [
        ("sql", "Q", "sql {}"),
        ("accept", "KEY", "accept --key {} --why "),
        ("accept", "WHY", "accept --key --why {}"),
        ("forget", "VISITOR", "forget --visitor={} --why="),
        ("forget", "FILE", "forget --file={} --why="),
        ("forget", "WHY", "forget --visitor= --why={}"),
        ("restore", "DAY", "restore --day {}"),
        ("diff", "REF", "diff --ref {}"),
        ("demo", "PATH_TO", "demo --data retailer --path-to {}"),
    ],
)
@pytest.mark.parametrize("way", ["command line", "environment", "pasted"])
def test_make_hands_a_value_over_as_it_is(
    tmp_path: Path, target: str, name: str, command: str, way: str
) -> None:
    """A Python in whose place a program writes down its arguments."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for stamp in ("run.stamp", "all.stamp"):
        (tmp_path / ".venv" / stamp).touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > arguments\n')
    python.chmod(0o755)
    value = "2026-11-01" if target == "demo" and way != "pasted" else HOSTILE
    make = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/run.stamp"]
    make += ["-o", ".venv/all.stamp", target]
    assigned = [f"{name}={value}"] if way == "command line" else []
    variables = {**os.environ, name: value} if way == "environment" else dict(os.environ)
    if way == "pasted":
        make = ["bash", "-c", f"{shlex.join(make)} {name}={pasteable(value)}"]
    done = subprocess.run(
        [*make, *assigned], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    given = (tmp_path / "arguments").read_bytes().decode().split("\0")[2:-1]
    (word,) = [word.replace("{}", value) for word in command.split() if "{}" in word]
    assert word in given
    assert not (tmp_path / "made").exists()


def test_a_key_that_is_not_read_reaches_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "topics/clickstream/\x1b[31m\n.json"
    assert cli._report(LoadReport(0, 0, 0, 0, 0, 0, 0, None, 0.0, (), not_read=(odd,))) == 0
    said = capsys.readouterr().out
    assert "1 not read: topics/clickstream/\\x1b[31m\\n.json: " in said
    assert said.count("\n") == 1


def test_the_rows_beside_a_failed_check_name_no_person() -> None:
    names = ("view_id", "VISITOR_ID", "session_id", "url", "raw_line", "reason", "views")
    assert markdown(names, [("v1", "ann", "s1", "u", "{}", "a", 3)]).splitlines() == [
        "| view_id | views |",
        "| --- | --- |",
        "| v1 | 3 |",
    ]


def test_a_text_from_data_is_code_in_markdown() -> None:
    table = markdown(["a"], [("![x](http://e/x.png)",), ("<b>`|`",), (None,), (7,), ("0.5",)])
    assert table.splitlines()[2:] == [
        "| `![x](http://e/x.png)` |", "| `` <b>`\\|` `` |", "|  |", "| 7 |", "| 0.5 |",
    ]  # fmt: skip


@pytest.mark.parametrize("password", ["s3cret", "s3@cret", "@s3cret@", "s3#cr?e:t"])
def test_no_address_is_shown_with_its_password(password: str) -> None:
    shown = without_passwords(f"http://me:{password}@host:80/x@y and s3://bucket,http://a@b")
    assert shown == "http://host:80/x@y and s3://bucket,http://b"
    assert visible("a\tb\x7f") == "a\\tb\\x7f"


def test_a_misspelt_setting_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIST_LANDIG", "x")
    with pytest.raises(
        SettingsError, match="TWIST_LANDIG is no setting: did you mean TWIST_LANDING"
    ):
        load_settings()
    assert unknown_names(["TWIST_QQQQ"]) == [
        "TWIST_QQQQ is no setting: .env.example lists all of them"
    ]
    assert unknown_names(["TWIST_DEBUG", "twist_landing", "OTHER", "TWIST_LATE_DAYS"]) == []
