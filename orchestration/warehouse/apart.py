"""Runs work on the warehouse in a process of its own, so that a crash there ends only that process.

DuckDB has crashed (heap corruption, SIGSEGV) compacting a DuckLake in a process that had loaded
before, and never in a fresh one. A process that stays, such as live mode, must outlive that.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ingestion.settings import Settings, TwistError
from orchestration.failures import INTERNAL, failure
from orchestration.progress import progress, watched_by
from orchestration.warehouse import writer_lock

ATTEMPTS = 2


class Crashed(TwistError):
    """The process ended by a signal, each time."""

    status = INTERNAL


class FailedApart(TwistError):
    """What went wrong there; `status` is the exit status of that failure."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def apart(
    work: Callable[..., None], settings: Settings, say: Callable[[str], None], *arguments: Any
) -> None:
    """Call `work(settings, say, *arguments)` in a new process, and again if that crashes.

    The caller holds the writer lock and has no connection of its own open. The new process shares
    the lock and ends with this one: if this one is killed, nobody else writes before that.

    Args:
        work: A function of a module; it can be run again after it was killed.
        settings: The warehouse.
        say: Called here with what the work says there.
        arguments: Further arguments, which can be pickled.

    Raises:
        FailedApart: the work failed.
        Crashed: the process crashed `ATTEMPTS` times.
    """
    context = multiprocessing.get_context("spawn")
    for attempt in range(1, ATTEMPTS + 1):
        ours, theirs = context.Pipe(duplex=False)
        lock = writer_lock.shared(settings.warehouse_root)
        process = context.Process(target=_run, args=(theirs, lock, work, settings, arguments))
        with ours:
            try:
                process.start()
                theirs.close()
                lock.close()
                _listen(ours, say)
                process.join()
            finally:
                _end(process)
        if process.exitcode == 0:
            return
        how = f"{work.__name__} ended with {_named(process.exitcode or 0)}"
        if attempt < ATTEMPTS:
            say(f"{how}: it runs again")
    raise Crashed(
        f"{how}, {ATTEMPTS} times: what is stored is safe; run the command again (for live mode "
        "`make maintain`), and if that fails too, give it more memory or see the system's log for "
        "who killed it"
    )


def _run(
    pipe: Connection,
    lock: Connection,
    work: Callable[..., None],
    settings: Settings,
    arguments: tuple[Any, ...],
) -> None:
    """The new process. A Ctrl-C reaches it too: the caller, who sees it as well, ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    writer_lock.keep_shared(settings.warehouse_root, lock)
    try:
        with watched_by(lambda: pipe.send(None)):  # its progress is the caller's
            work(settings, pipe.send, *arguments)
    except Exception as error:  # failure() names every cause
        pipe.send(failure(error))


def _end_with_the_caller() -> None:
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(INTERNAL)


def _listen(pipe: Connection, say: Callable[[str], None]) -> None:
    while True:
        try:
            said = pipe.recv()
        except EOFError:
            return
        progress()
        if said is None:
            continue
        if not isinstance(said, str):
            raise FailedApart(*said)
        say(said)


def _end(process: BaseProcess) -> None:
    if process.pid and process.is_alive():
        process.kill()  # a process may inherit that SIGTERM is ignored
        process.join()


def _named(exitcode: int) -> str:
    return signal.Signals(-exitcode).name if exitcode < 0 else f"exit status {exitcode}"
