"""A Teradata of its own: databases, users and tables, and what goes wrong on purpose."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.teradata.emulator import functions, syntax
from tests.teradata.emulator.administration import ADMINISTRATOR, Administration
from tests.teradata.emulator.catalogue import Catalogue
from tests.teradata.emulator.errors import TeradataError
from tests.teradata.emulator.nos import ObjectStore
from tests.teradata.emulator.session import Session


@dataclass
class Fault:
    """The request that fails: the `nth` one (0 …) that `strikes` says yes to, once."""

    code: int
    nth: int = 0
    strikes: Callable[[str], bool] = lambda _: True
    loses_connection: bool = False
    after_it_was_done: bool = False
    """The answer is lost, not the request."""
    struck: str | None = None
    """The request that failed."""

    def is_due(self, sql: str) -> bool:
        if self.struck is not None or not self.strikes(sql):
            return False
        self.nth -= 1
        if self.nth >= 0:
            return False
        self.struck = sql
        return True


class System:
    """Databases and tables in a DuckDB of its own.

    Args:
        databases: Those that exist from the start; a session may create none.
        landing: The folder that stands for the bucket.
        bucket: Its name, where locations hold it as a folder behind the store's host.
        check: What Teradata would reject: asked about every statement; returns findings.
        path: A file for the tables, if they are to be copied.
    """

    def __init__(
        self,
        databases: Iterable[str],
        landing: Path,
        check: Callable[[str], list[Any]] = lambda _: [],
        path: Path | None = None,
        bucket: str = "",
    ) -> None:
        self.databases, self.path = tuple(databases), path
        self.store = ObjectStore(landing, bucket)
        self.administration = Administration()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.fault: Fault | None = None
        self.check = check
        self.database = duckdb.connect(str(path or ":memory:"))
        self.database.execute("set TimeZone = 'UTC'")
        functions.register(self.database)
        self.catalogue = Catalogue(self.database)
        for name in self.databases:
            self.catalogue.add_database(name)

    def copy(self, path: Path) -> "System":
        """Another system with the same tables over the same lake; both are files."""
        assert self.path
        self.database.execute("checkpoint")
        self.database.close()
        shutil.copy(self.path, path)
        self.database = duckdb.connect(str(self.path))
        self.database.execute("set TimeZone = 'UTC'")
        functions.register(self.database)
        self.catalogue.reopen(self.database)
        other = System(self.databases, self.store.root, self.check, path, self.store.bucket)
        other.administration = self.administration
        for name in self.catalogue.databases:
            other.catalogue.add_database(name)
        other.catalogue.restore(self.catalogue.saved())
        return other

    def logon(self, **options: Any) -> "Session":
        """A session; ANSI is the only mode."""
        if options.get("tmode") != "ANSI":
            raise TeradataError(8000, f"tmode is {options.get('tmode')}: this is for ANSI sessions")
        users, name = self.administration.users, str(options.get("user", "")).lower()
        if users and name not in {*users, ADMINISTRATOR}:
            raise TeradataError(8017, "The UserId, Password or Account is invalid.")
        return Session(self, dict(options), users.get(name))

    def set_up(self, script: str) -> None:
        """What an administrator does: each of the script's statements is a request."""
        session = self.logon(tmode="ANSI", user=ADMINISTRATOR)
        for reader in syntax.statements(script):
            session.request(reader.text, [])
        self.requests.clear()
