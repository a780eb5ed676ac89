"""What went wrong, as a command says it: one sentence with the cure, and an exit status of its own.

Databases, stores and file systems word their errors freely: a rule here recognizes each kind by
what they say, so that it reads the same wherever it happens.
"""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ingestion.lake.object_text import first_line
from ingestion.settings import (
    DAMAGED,
    NO_PERMISSION,
    REFUSED,
    ROOT,
    UNAVAILABLE,
    WRITE_FAILED,
    SettingsError,
    TwistError,
    without_passwords,
)  # fmt: skip
from orchestration.shown import visible

INTERNAL = 70
INTERRUPTED = 130
RUNBOOK = "dbt_project/docs/runbook.md"


class Failure(NamedTuple):
    """The exit status of a command, and the sentence that it prints."""

    status: int
    sentence: str


class _Rule(NamedTuple):
    pattern: str
    status: int
    what: str
    cure: str


_MISSING = r"no such file|\bhttp\W+404\b|not found"
"""As a file system or a store says it; a bare 404 may be part of a file's name."""
_RULES = (
    _Rule(
        r"no space left|disk is full|disk quota|file too large|database or disk|max_temp_directory",
        WRITE_FAILED,
        "the disk is full",
        "make room as RUNBOOK says (a full disk), and run it again: nothing is half done",
    ),
    _Rule(
        r"permission denied|readonly database|read-only file system|operation not permitted",
        NO_PERMISSION,
        "no permission",
        "run it as the owner of that file, or let the owner give you access (RUNBOOK, permissions)",
    ),
    _Rule(
        r"image is malformed|not a database|malformed database|file is encrypted",
        DAMAGED,
        "the catalog of the warehouse is damaged",
        "put catalog.sqlite back from a backup, or run `make rebuild`, which reads the landing "
        "lake again and keeps the damaged one (RUNBOOK, a damaged warehouse)",
    ),
    _Rule(
        r"version mismatch|catalog version|unsupported ducklake|storage version",
        DAMAGED,
        "the catalog was written by another version of DuckLake",
        "run `make setup` for the versions of this checkout, or `make rebuild` (RUNBOOK, a damaged "
        "warehouse)",
    ),
    _Rule(
        rf"\.parquet.*({_MISSING})|({_MISSING}).*\.parquet",
        DAMAGED,
        "a file of the warehouse is missing",
        "put it back from a backup, or run `make rebuild` (RUNBOOK, a damaged warehouse); a query "
        "that has run for more than an hour: run it again",
    ),
    _Rule(
        r"magic bytes|parquet.*(invalid|corrupt|too small|failed|footer)|tprotocolexception"
        r"|decompress|corrupted|snappy|no magic|checksum",
        DAMAGED,
        "a file of the warehouse is damaged",
        "put it back from a backup, or run `make rebuild` (RUNBOOK, a damaged warehouse)",
    ),
    _Rule(
        r"database is locked|could not set lock",
        REFUSED,
        "another program has the catalog open and writes to it",
        "end it, and run this again",
    ),
    _Rule(
        r"out of memory|could not allocate|cannot allocate memory|failed to allocate",
        WRITE_FAILED,
        "the memory is not enough",
        "raise TWIST_MEMORY_LIMIT, or lower TWIST_BATCH_MB (RUNBOOK, a run: no sign of life)",
    ),
    _Rule(
        r"too many open files",
        WRITE_FAILED,
        "the system lets this process open too few files",
        "raise the limit: ulimit -n 4096",
    ),
    _Rule(
        r"http error|http get|connection refused|could not connect|timed? ?out|name resolution",
        UNAVAILABLE,
        "the object store refused or did not answer",
        "check the s3://… addresses, the TWIST_S3_… settings and the AWS_… credentials (RUNBOOK, a "
        "store that refuses)",
    ),
    _Rule(
        r"input/output error|disk i/o error",
        WRITE_FAILED,
        "the disk is full, or it fails",
        "make room as RUNBOOK says (a full disk), or look at the system's log; and run it again",
    ),
)


def failure(error: BaseException) -> Failure:
    """What to say about an error that ended a command, whatever it is."""
    if isinstance(error, KeyboardInterrupt):
        return Failure(INTERRUPTED, "interrupted; the next load continues")
    said = " ".join(str(error).split()).removeprefix("open_connection: ")
    if from_python := re.search(r"while executing the UDF: \w+: (.*?)(?: At: /.*)?$", said):
        said = from_python[1]
    text = visible(without_passwords(said or type(error).__name__))
    if isinstance(error, SettingsError) or (
        isinstance(error, TwistError) and error.status != REFUSED
    ):
        return Failure(error.status, text)
    if isinstance(error, OSError) and error.filename:
        return _of_file(error, text)
    for each in _causes(error):
        for rule in _RULES:
            if re.search(rule.pattern, str(each), re.IGNORECASE):
                cure = rule.cure.replace("RUNBOOK", RUNBOOK)
                return Failure(rule.status, f"{rule.what}: {text[:600]}; {cure}")
    if isinstance(error, TwistError):
        return Failure(error.status, text)
    if _is_a_stores(error):
        return Failure(
            UNAVAILABLE,
            f"the object store refused or did not answer: {visible(first_line(error))}; check the "
            "s3://… addresses, the TWIST_S3_… settings and the AWS_… credentials "
            f"({RUNBOOK}, a store that refuses)",
        )
    if _is_duckdbs(error):
        return Failure(REFUSED, text)
    return Failure(
        INTERNAL,
        f"this should not happen: {type(error).__name__}: {text[:600]}; the tables are as they "
        "were or complete, and `make load` continues; TWIST_DEBUG=1 shows where it happened",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _of_file(error: OSError, text: str) -> Failure:
    """An error of the file system, which names the file."""
    name = visible(os.fsdecode(error.filename))
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Failure(
            WRITE_FAILED,
            f"the disk is full: {name} cannot be written; make room as {RUNBOOK} says (a full "
            "disk), and run it again: nothing is half done",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Failure(NO_PERMISSION, _forbidden(Path(os.fsdecode(error.filename)), name))
    return Failure(
        WRITE_FAILED,
        f"{name} cannot be read or written: {os.strerror(error.errno or 0)}; correct that, and run "
        "it again"
        if error.errno
        else text,
    )


def _forbidden(file: Path, name: str) -> str:
    """The file's owner and the fix: usually another user ran a command here before."""
    path = file if file.is_absolute() else ROOT / file
    while not os.access(path, os.F_OK) and path != path.parent:
        path = path.parent
    try:
        owner = path.owner()
    except (KeyError, OSError):
        owner = "another user"
    return (
        f"no permission to open or write {name}: {path} belongs to {owner}; run this as {owner}, "
        f"have {owner} give you access (chmod -R a+rwX; to read alone: {RUNBOOK}, permissions), or "
        "use a clone of your own"
    )


def _is_a_stores(error: BaseException) -> bool:
    from ingestion import s3

    return isinstance(error, s3.errors())


def _is_duckdbs(error: BaseException) -> bool:
    import duckdb

    return isinstance(error, duckdb.Error)
