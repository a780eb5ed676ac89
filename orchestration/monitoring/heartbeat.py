"""A heartbeat of every run, because Dagster's own launcher does not notice a killed one.

A run writes the time into a tag while it makes progress; a sensor fails runs that have gone silent,
which frees their place in the queue. A hung run exits, which releases the writer lock.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import dagster as dg

from ingestion.settings import TwistError
from orchestration.progress import watched_by
from orchestration.warehouse.loaded_by import dagster_job

TAG = "twist/heartbeat"
BEAT_SECONDS = 10.0
SILENT_SECONDS = 60.0
HUNG_SECONDS = 1800.0
"""A step (a statement of dbt, an object or a file that is read, a try to take a lock)
takes seconds; half an hour without one is a hang."""
STARTING_SECONDS = 120.0

IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def in_progress(instance: dg.DagsterInstance, job_name: str) -> Sequence[dg.RunRecord]:
    """The runs of a job that are queued or run, oldest first."""
    return instance.get_run_records(
        dg.RunsFilter(job_name=job_name, statuses=IN_PROGRESS), ascending=True
    )


_tagging = threading.Lock()


def add_tags(context: Any, tags: dict[str, str]) -> None:
    """Add tags to a run with a heartbeat: Dagster reads all tags of a run and writes all of them
    back, so of two concurrent threads one would lose its own.
    """
    with _tagging:
        context.instance.add_run_tags(context.run.run_id, tags)


@contextmanager
def beating(context: Any) -> Iterator[Callable[[], None]]:
    """Beat while the body makes progress: it calls `progress()`, or the function that this yields.

    An expected error of the body fails the run with its sentence alone.
    """
    progress = time.monotonic()
    stopped = threading.Event()

    def made_progress() -> None:
        nonlocal progress
        progress = time.monotonic()

    def beat() -> None:
        while True:
            if time.monotonic() - progress > HUNG_SECONDS:
                os._exit(70)  # a hung thread cannot be stopped; its locks end with the process
            with suppress(Exception):  # Dagster's storage may be back at the next beat
                add_tags(context, {TAG: str(int(time.time()))})
            if stopped.wait(BEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        with dagster_job(context.run.job_name), watched_by(made_progress):
            yield made_progress
    except TwistError as error:
        raise dg.Failure(str(error)) from None
    finally:
        stopped.set()
        thread.join()


def silence(record: dg.RunRecord, now: float) -> str | None:
    """Why a run in progress counts as dead; None while it lives."""
    run = record.dagster_run
    if run.status == dg.DagsterRunStatus.STARTED or run.status == dg.DagsterRunStatus.CANCELING:
        began = record.start_time or now
        beat = max(float(run.tags.get(TAG, 0)), began)
        if now - beat > SILENT_SECONDS:
            return f"no heartbeat for {now - beat:.0f} s: its process was killed, or hangs"
    elif run.status == dg.DagsterRunStatus.STARTING:
        waited = now - record.update_timestamp.timestamp()
        if waited > STARTING_SECONDS:
            return f"it has not started within {waited:.0f} s of its launch"
    return None


def fail_silent_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report every silent run as failed; return one sentence for each."""
    failed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS)):
        reason = silence(record, time.time())
        if reason:
            run = record.dagster_run
            instance.report_run_failed(run, f"{run.job_name}: {reason}. The next run resumes it")
            failed.append(f"{run.job_name} {run.run_id}: {reason}")
    return failed
