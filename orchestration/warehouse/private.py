"""The warehouse's files are its owner's alone: folders 0700, files 0600."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOTDIR
from pathlib import Path

_usual: int | None = None
"""The umask that the process was started with, once it writes privately."""


def create_private(folder: Path) -> None:
    """Create a folder for its owner alone; what this process creates from now on is private too.

    A folder that exists keeps its permissions, and a default ACL on it beats the umask: see the run
    book for readers that are other users.

    Raises:
        NotADirectoryError: the folder, or the one that it is in, is a file.
    """
    global _usual
    before = os.umask(0o077)
    _usual = before if _usual is None else _usual
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), error.filename) from None


@contextmanager
def privately() -> Iterator[None]:
    """For a file that lies outside of the warehouse's folder and is its owner's alone too."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def with_usual_permissions() -> Iterator[None]:
    """For files that others are meant to read, such as the overview page."""
    before = os.umask(_usual) if _usual is not None else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)
