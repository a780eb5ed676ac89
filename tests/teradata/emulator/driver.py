"""The public face of `teradatasql` (DB-API 2.0), as far as dbt-teradata looks at it."""

import threading
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

from tests.teradata.emulator.errors import TeradataError
from tests.teradata.emulator.session import Answer, Session
from tests.teradata.emulator.system import System

apilevel, threadsafety, paramstyle = "2.0", 2, "qmark"
STRING, BINARY, NUMBER, DATETIME = str, bytes, float, datetime
Date, Time, Timestamp, Binary = date, time, datetime, bytes

system: System | None = None
"""Where `connect` leads to."""
_one_at_a_time = threading.RLock()


class Warning(Exception):  # noqa: A001  the DB-API's name
    pass


class Error(Exception):
    pass


class InterfaceError(Error):
    pass


class DatabaseError(Error):
    pass


class DataError(DatabaseError):
    pass


class OperationalError(DatabaseError):
    pass


class IntegrityError(DatabaseError):
    pass


class InternalError(DatabaseError):
    pass


class ProgrammingError(DatabaseError):
    pass


class NotSupportedError(DatabaseError):
    pass


def connect(**options: Any) -> "TeradataConnection":
    if system is None:
        raise OperationalError("no system: call tests.teradata.emulator.use(System(…)) first")
    try:
        return TeradataConnection(system.logon(**options))
    except TeradataError as error:
        raise OperationalError(str(error)) from error


class TeradataConnection:
    def __init__(self, session: Session) -> None:
        self._session = session

    def cursor(self) -> "TeradataCursor":
        return TeradataCursor(self._session)

    def commit(self) -> None:
        """The driver's autocommit is on: each request is its own transaction."""

    def rollback(self) -> None:
        """See `commit`."""

    def close(self) -> None:
        self._session.is_open = False


class TeradataCursor:
    arraysize = 1

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answers: list[Answer] = []
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self.activityname: str | None = None

    def execute(
        self,
        sql: str,
        params: Sequence[Any] | None = None,
        ignoreErrors: Any = None,  # noqa: N803
    ) -> "TeradataCursor":
        rows = [list(params)] if params and not isinstance(params[0], list | tuple) else params
        try:
            with _one_at_a_time:
                self._answers = self._session.request(sql, [list(row) for row in rows or []])
        except TeradataError as error:
            ignored = ignoreErrors if isinstance(ignoreErrors, list | tuple) else [ignoreErrors]
            if error.code in ignored:
                return self
            raise OperationalError(str(error)) from error
        self._next()
        return self

    def executemany(
        self,
        sql: str,
        rows: Sequence[Sequence[Any]],
        ignoreErrors: Any = None,  # noqa: N803
    ) -> "TeradataCursor":
        return self.execute(sql, [list(row) for row in rows], ignoreErrors)

    def _next(self) -> None:
        answer = self._answers.pop(0)
        self.activityname, self.rowcount = answer.activity, answer.count
        self.description = [(*column, *[None] * 4, True) for column in answer.columns] or None
        self._rows = iter(answer.rows)

    def nextset(self) -> bool | None:
        if not self._answers:
            return None
        self._next()
        return True

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def close(self) -> None:
        self._rows = iter(())
