"""One writer at a time; readers beside loads and maintenance never fail and never see less."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import LOCKED, Settings
from orchestration.warehouse import maintain, writer_lock
from orchestration.warehouse.attach import attach_warehouse
from orchestration.warehouse.engines import open_reader
from tests.harness.killed_shop import KilledShop
from tests.harness.processes import PATIENCE, Warm, command, run_warm
from tests.harness.tables import loaded_lines, query

COUNTS = (
    "select count(*) from marts.fct_twist",
    "select coalesce(sum(views), 0) from marts.fct_twist_hourly",
    "select count(*) from staging.stg_clickstream__events",
    "select coalesce(sum(lines), 0) from audit.landed_objects",
)


def wait_for_lock(settings: Settings, pid: int) -> None:
    lock = settings.warehouse_root / "writer.lock"
    deadline = time.monotonic() + PATIENCE
    while not (lock.exists() and lock.read_text() == str(pid)):
        assert time.monotonic() < deadline, "the first load never takes the lock"
        time.sleep(0.01)


@pytest.mark.ci
def test_of_two_loads_at_once_one_works_and_the_other_refuses(tmp_path: Path) -> None:
    shop = KilledShop(tmp_path, seed=3)
    shop.land(4)
    first = Warm(shop.settings, tmp_path / "log", "load")
    wait_for_lock(shop.settings, first.pid)
    os.kill(first.pid, signal.SIGSTOP)  # so that it is surely still there
    try:
        for arguments in (["load"], ["rebuild"]):
            second = command(*arguments, settings=shop.settings)
            assert second.returncode == LOCKED
            assert second.stdout == ""
            (sentence,) = second.stderr.splitlines()
            assert sentence == (
                f"twist: another process (pid {first.pid}) is writing to "
                f"{shop.settings.warehouse_root}: nothing was done; "
                "wait until it ends and try again"
            )
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert first.status() == 0, first.output()
    assert loaded_lines(shop.settings) > 0


UNBALANCED = """
    select count(*)
    from (select view_hour, count(*) as views from marts.fct_twist group by view_hour) as fact
    full join (
        select view_hour, sum(views) as views from marts.fct_twist_hourly group by view_hour
    ) as hours using (view_hour)
    where fact.views is distinct from hours.views
"""


class Readers:
    """Asks for counts again and again, each on a fresh connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answers = 0
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        most: dict[str, int] = {}
        while not self._stop.wait(0.01):
            for sql in COUNTS:
                try:
                    ((count,),) = query(self.settings, sql)
                except Exception as error:  # whatever a reader meets is what is tested
                    self.wrong.append(f"{sql}: {error}")
                    continue
                if count < most.get(sql, 0):
                    self.wrong.append(f"{sql}: {count} after {most[sql]}")
                most[sql] = max(count, most.get(sql, 0))
                self.answers += 1
            if query(self.settings, UNBALANCED) != [(0,)]:
                self.wrong.append("hours that are not the sums of their views")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        yield
        self._stop.set()
        self._thread.join()


@pytest.mark.long
def test_readers_never_fail_see_whole_runs_and_counts_never_go_back(tmp_path: Path) -> None:
    shop = KilledShop(tmp_path, seed=4)
    shop.land(3)
    run_warm(shop.settings, tmp_path / "log", "load")
    readers = Readers(shop.settings)
    with readers.at_work():
        for portions, keep in ((2, "0"), (1, "60")):
            shop.land(portions)
            run_warm(shop.settings, tmp_path / "log", "load")
            run_warm(shop.settings, tmp_path / "log", "maintain", "--keep", keep)
    assert readers.wrong == []
    assert readers.answers > 2 * len(COUNTS)


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    """A warehouse of one table: 300,000 rows from three commits."""
    settings = Settings(_env_file=None, warehouse=str(tmp_path / "w"))
    write(settings, "create schema twist.marts", "create table twist.marts.t (i bigint)")
    for first in range(0, 300_000, 100_000):
        write(
            settings,
            f"insert into twist.marts.t select range from range({first}, {first + 100_000})",
        )
    return settings


def write(settings: Settings, *statements: str) -> None:
    conn = duckdb.connect()
    attach_warehouse(conn, settings)
    for statement in statements:
        conn.execute(statement)
    conn.close()


def look_after(settings: Settings, keep_minutes: int) -> list[str]:
    said: list[str] = []
    maintain.maintain(settings, said.append, keep_minutes)
    writer_lock.release(settings.warehouse_root)
    return said


def test_a_question_sees_one_moment_whatever_is_committed_while_it_is_answered(
    small: Settings,
) -> None:
    """A commit that deletes more rows of a file takes its old list of deletions away. DuckDB's
    SQLite reads each table of the catalog on a connection of its own, as it is by then, but no
    further than it reached when the transaction began: neither list was found, and deleted rows
    came back (3 of 100 questions beside loads). `attach_warehouse` says what prevents it.
    """
    write(small, "create table twist.marts.other as from range(1000) as numbers(i)")
    write(small, "delete from twist.marts.t where i < 100")
    write(small, "delete from twist.marts.other where i < 100")  # another list behind t's
    reader = open_reader(small)
    reader.execute("begin")
    reader.execute("from marts.other")
    write(small, "delete from twist.marts.t where i < 150")
    assert reader.execute(ASK).fetchall() == [(299_900, 44_999_845_050)]
    reader.execute("rollback")
    assert reader.execute(ASK).fetchall() == [(299_850, 44_999_838_825)]
    reader.close()


ASK = "select count(*), sum(i) from marts.t"
BEFORE = [(300_000, 44_999_850_000)]
OVERWRITE = ("delete from twist.marts.t", "insert into twist.marts.t select range from range(10)")


@pytest.fixture
def begun(small: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reader whose transaction began before all rows were replaced; then it sees the new ones."""
    reader = open_reader(small)
    reader.execute("begin")
    assert reader.execute(ASK).fetchall() == BEFORE
    write(small, *OVERWRITE)
    yield reader
    reader.execute("rollback")
    assert reader.execute(ASK).fetchall() == [(10, 45)]
    reader.close()


@pytest.mark.parametrize(("keep_minutes", "grace"), [(60, 0), (0, 10)])
def test_a_transaction_sees_what_it_began_with_across_maintenance(
    small: Settings,
    begun: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    keep_minutes: int,
    grace: int,
) -> None:
    monkeypatch.setattr(maintain, "GRACE_SECONDS", grace)
    look_after(small, keep_minutes)
    assert begun.execute(ASK).fetchall() == BEFORE


def test_its_bare_count_has_no_younger_rows_after_files_were_merged(small: Settings) -> None:
    """DuckLake answers it from the catalog, without a look at the rows."""
    reader = open_reader(small)
    reader.execute("begin")
    reader.execute(ASK)
    write(small, "insert into twist.marts.t from range(100)")
    look_after(small, 60)
    assert reader.execute("select count(*) from marts.t").fetchall() == [(300_000,)]
    reader.close()


def test_one_that_outlives_its_files_fails_and_answers_nothing_wrong(
    small: Settings, begun: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintain, "GRACE_SECONDS", 0)
    look_after(small, 0)
    with pytest.raises(duckdb.IOException, match="No such file"):
        begun.execute(ASK)


def test_maintenance_keeps_the_snapshots_and_files_of_its_minutes(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQLite catalog keeps times as text, and DuckLake 1.5.5 compares text: its own `older_than`
    takes all snapshots of the cutoff's day, however young. Maintenance chooses by itself.
    """
    monkeypatch.setattr(maintain, "GRACE_SECONDS", 0)
    write(small, *OVERWRITE)
    snapshots = query(small, "select count(*) from ducklake_snapshots('twist')")
    kept = look_after(small, 60)
    assert "0 snapshots expired" in kept
    assert "0 old files deleted" in kept
    assert query(small, "select count(*) from ducklake_snapshots('twist')") >= snapshots
    reader = open_reader(small)
    assert reader.execute(f"{ASK} at (version => 5)").fetchall() == [(300_000, 44_999_850_000)]
    reader.close()
    gone = look_after(small, 0)
    assert "0 snapshots expired" not in gone
    assert "0 old files deleted" not in gone
    assert query(small, "select count(*) from ducklake_snapshots('twist')") == [(1,)]
    assert query(small, ASK) == [(10, 45)]


@pytest.mark.parametrize(("large_bytes", "files"), [(1, 3), (maintain.LARGE_BYTES, 1)])
def test_maintenance_merges_small_files_and_leaves_large_ones(
    small: Settings, monkeypatch: pytest.MonkeyPatch, large_bytes: int, files: int
) -> None:
    monkeypatch.setattr(maintain, "LARGE_BYTES", large_bytes)
    look_after(small, 60)
    listed = "select count(*) from ducklake_list_files('twist', 't', schema => 'marts')"
    assert query(small, listed) == [(files,)]
    assert query(small, ASK) == BEFORE
