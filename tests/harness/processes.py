"""Commands of TWIST in separate processes, which can be stopped, raced and killed."""

import multiprocessing
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from itertools import groupby
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from ingestion.settings import ROOT, Settings, load_settings

THEN = "&&"
PATIENCE = 240
"""Seconds after which a command that has not ended is a failure, even on a busy machine."""

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.harness.preloaded"])


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables of a command."""
    values = settings.model_dump(exclude={"s3_access_key_id", "s3_secret_access_key"})
    found = {f"TWIST_{name.upper()}": str(value) for name, value in values.items()}
    found["TWIST_S3_ACCESS_KEY_ID"] = settings.s3_access_key_id.get_secret_value()
    found["TWIST_S3_SECRET_ACCESS_KEY"] = settings.s3_secret_access_key.get_secret_value()
    return found


def command(
    *arguments: str, settings: Settings | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """`python -m orchestration …` as a shell starts it, to its end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
    own = environment(settings) if settings else {}
    return subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=ROOT,
        env={**inherited, **own, **variables, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Warm:
    """The same command in a process that has parsed the dbt project before it was forked.

    Several, with `THEN` between them, run in the one process until one fails.
    """

    def __init__(self, settings: Settings, log: Path, *arguments: str, **variables: str) -> None:
        self.log = log
        self.process: BaseProcess = _server.Process(
            target=_run, args=({**environment(settings), **variables}, log, arguments)
        )
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def ends_within(self, seconds: float) -> bool:
        self.process.join(seconds)
        return not self.process.is_alive()

    def ends_before(self, cpu_seconds: float) -> bool:
        """Wait until it ends or has used this much CPU time, which other load does not affect."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.ends_within(0.01):
                return True
            if self._cpu_seconds() >= cpu_seconds:
                return False
        raise TimeoutError("a command neither works nor ends")

    def _cpu_seconds(self) -> float:
        return sum(stat.ticks for stat in _stats(self.pid)) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """What it has in memory now, with its children."""
        return sum(stat.pages for stat in _stats(self.pid)) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """kill -9"""
        self.process.kill()
        self.process.join()

    def status(self) -> int:
        """Its exit status, once it ends by itself."""
        assert self.ends_within(PATIENCE), "a command does not end"
        assert self.process.exitcode is not None
        return self.process.exitcode

    def output(self) -> str:
        return self.log.read_text()


class _Stat(NamedTuple):
    """Of a process: its CPU time, that of its children which have ended, and its memory."""

    ticks: int
    pages: int


def _stats(pid: int) -> Iterator[_Stat]:
    """Of a process and of its children that run (see proc(5))."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if path.parent.name == str(pid) or fields[1] == str(pid):
            yield _Stat(sum(map(int, fields[11:15])), int(fields[21]))


def run_warm(settings: Settings, log: Path, *arguments: str, **variables: str) -> str:
    """A warm command to its end; its output, when it succeeds."""
    warm = Warm(settings, log, *arguments, **variables)
    assert warm.status() == 0, warm.output()
    return warm.output()


def call_warm(
    function: Callable[[Settings], None], settings: Settings, log: Path, **variables: str
) -> None:
    """Call a function of a light module in a process like that of a warm command."""
    process = _server.Process(
        target=_call, args=({**environment(settings), **variables}, log, function)
    )
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0, log.read_text()


def _call(variables: dict[str, str], log: Path, function: Callable[[Settings], None]) -> None:
    _set(variables)
    with log.open("a") as out, redirect_stdout(out), redirect_stderr(out):
        try:
            function(load_settings())
        except BaseException:
            traceback.print_exc()
            sys.exit(1)


def _set(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(("TWIST_", "AWS_"))]:
        del os.environ[name]
    os.environ.update(variables)


def _run(variables: dict[str, str], log: Path, arguments: tuple[str, ...]) -> None:
    from orchestration import cli, cli_erasure
    from orchestration.warehouse import rebuild
    from orchestration.warehouse.dbt_runner import Dbt
    from tests.harness.warm import warm_runner

    _set(variables)

    def warm_dbt(settings: Settings) -> Dbt:
        return Dbt(settings, runner=warm_runner())

    for module in (cli, cli_erasure, rebuild):
        replaced: Any = module
        replaced.Dbt = warm_dbt
    with log.open("a") as out, redirect_stdout(out), redirect_stderr(out):
        for is_command, words in groupby(arguments, key=lambda word: word != THEN):
            if is_command and (status := cli.main(list(words))):
                sys.exit(status)
