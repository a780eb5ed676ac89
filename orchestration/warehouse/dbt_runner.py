"""dbt in this process: parsed once, then kept warm (a cycle costs tenths of a second)."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ingestion.s3 import keys, let_duckdb_in
from ingestion.settings import ROOT, Settings, TwistError
from orchestration.progress import progress
from orchestration.warehouse.attach import require_ducklake
from orchestration.warehouse.engines import engine_of

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner
    from duckdb import DuckDBPyConnection

PROJECT = ROOT / "dbt_project"


class DbtFailed(TwistError):
    """A dbt command failed; the message names each node and its error."""


def environment(settings: Settings) -> dict[str, str]:
    """The settings for dbt's Jinja, which reads the environment but not `.env`."""
    plain = {name: getattr(settings, name) for name in Settings.model_fields}
    values = plain | {
        "root": ROOT, "landing": settings.landing_root, "warehouse": settings.warehouse_root,
        "history": settings.history_root, "overview": settings.overview_root,
    }  # fmt: skip
    return {
        f"TWIST_{name.upper()}": str(value)
        for name, value in values.items()
        if not isinstance(value, SecretStr)
    } | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


@contextmanager
def in_environment(own: Mapping[str, str]) -> Iterator[None]:
    """Set these variables for dbt, then restore the process's own: none of its DBT_… counts."""
    not_ours = [name for name in os.environ if name.startswith("DBT_")]
    before = {name: os.environ.get(name) for name in (*own, *not_ours)}
    for name in not_ours:
        del os.environ[name]
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass
class Dbt:
    """A warm dbt on the settings' warehouse.

    dbt keeps one DuckDB connection per process and does not distinguish warehouses: an object that
    finds another one's connection open closes it and opens its own.
    """

    settings: Settings
    runner: "dbtRunner | None" = field(default=None, repr=False)
    """The parsed project; if none is given, the first command parses it."""
    on_result: Callable[[Any], None] = field(default=lambda _: None, repr=False)
    """Called with each node's result when a command ends, whether or not it succeeded."""
    has_created_sql_views: bool = False
    """Whether this process has created the current SQL views in the warehouse it has open."""
    _compiled: dict[str, str] = field(default_factory=dict, repr=False)
    _opened: Any = field(default=None, repr=False)
    """dbt-duckdb's environment, which holds the connection, after this object's last run."""

    def run(self, *arguments: str) -> Any:
        """Run one dbt command, such as `run("run", "--select", "fct_twist+")`; return its result.

        Raises:
            DbtFailed: the command failed.
            SettingsError: the warehouse's data is in S3, and there are no credentials.
        """
        if self.settings.warehouse_data.startswith("s3://"):
            keys(self.settings)  # dbt reports nothing about an error while it connects
        lean = ("--cache-selected-only", "--fail-fast") if arguments[0] == "run" else ()
        with in_environment(environment(self.settings)), self._own_connection():
            runner = self._parsed()
            errors: list[str] = []

            def note(event: Any) -> None:
                progress()  # each node and each statement has events: a command may take hours
                errors.extend(_error_of_operation(event))

            runner.callbacks.append(note)
            try:
                answer = runner.invoke([*arguments, *COMMON, *QUIET_FILES, *self._target(), *lean])
            finally:
                runner.callbacks.remove(note)
                _roll_back()
        results = getattr(answer.result, "results", None) or []
        for result in results:
            if answer.success or arguments[0] != "run" or result.status != "success":
                self.on_result(result)
        if answer.success:
            return answer.result
        failures = [
            f"{_name(result)}: {sentence(result.message or ' '.join(errors))}"
            for result in results
            if result.status in ("error", "fail", "runtime error")
        ]
        raise DbtFailed("\n".join(failures) or str(answer.exception or answer.result))

    def compiled(self, model: str) -> str:
        """The SQL of a model that does not query the warehouse while it is compiled; cached."""
        if model not in self._compiled:
            result = self.run("compile", "--select", model)
            self._compiled[model] = result.results[0].node.compiled_code
        return self._compiled[model]

    def warm_up(self) -> "dbtRunner":
        """Parse the project now; without the warehouse and without the writer lock."""
        with in_environment(environment(self.settings)):
            return self._parsed()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on dbt's own connection, which also holds the batch tables."""
        return engine_of(self.settings).rows(self, sql)

    def connection(self) -> "DuckDBPyConnection":
        """dbt's own connection; opens it if dbt has not done so yet.

        Raises:
            SettingsError: the target has no warehouse in DuckDB.
        """
        require_ducklake(self.settings)
        if self._opened is None or self._opened is not _manager()._ENV or self._opened.conn is None:
            self.run("run-operation", "open_connection")
        connection: DuckDBPyConnection = self._opened.conn
        let_duckdb_in(connection, self.settings, self.settings.warehouse_data)
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def close(self) -> None:
        """Close dbt's connection, and with it the batch tables."""
        _manager().close_all_connections()
        self._opened = None
        self.has_created_sql_views = False

    @contextmanager
    def _own_connection(self) -> Iterator[None]:
        manager = _manager()
        if manager._ENV is not self._opened:
            manager.close_all_connections()
        try:
            yield
        finally:
            self._opened = manager._ENV

    def _target(self) -> tuple[str, ...]:
        return own_target(self.settings.target)

    def _parsed(self) -> "dbtRunner":
        from dbt.cli.main import dbtRunner

        if self.runner is None:
            parse = ["parse", *COMMON, *QUIET_FILES, *self._target()]
            parsed = dbtRunner().invoke(parse)
            if not parsed.success:  # what dbt kept of the last parse may have a model that is gone
                parsed = dbtRunner().invoke([*parse, "--no-partial-parse"])
            if not parsed.success:
                raise DbtFailed(str(parsed.exception))
            self.runner = dbtRunner(manifest=parsed.result)  # type: ignore[arg-type]
        return self.runner


def _roll_back() -> None:
    """Undo what a run on DuckDB has left open, as it failed or was interrupted."""
    from duckdb import TransactionException

    environment = _manager()._ENV
    if environment is not None and environment.conn is not None:
        with suppress(TransactionException):  # none is open
            environment.conn.rollback()


def _manager() -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    return DuckDBConnectionManager


COMMON = (
    "--project-dir",
    str(PROJECT),
    "--profiles-dir",
    str(PROJECT),
    "--quiet",
    "--no-use-colors",
    "--log-level",
    "none",
    "--log-level-file",
    "none",
)


QUIET_FILES = ("--no-write-json",)
"""dbt writes its manifest in place, and Dagster's processes read it: only `make setup` may."""


@cache
def own_target(target: str) -> tuple[str, ...]:
    """The option that names dbt's folder, where it caches the project as parsed for one target.

    The default target's is `target`, the others' lie in it. If that belongs to another user, the
    folder is a temporary one of this process, and a start takes seconds longer.
    """
    folder = PROJECT / "target"
    kept = [folder, *folder.glob("*")] if folder.exists() else [PROJECT]
    if not all(os.access(path, os.W_OK) for path in kept):
        own = tempfile.mkdtemp(prefix="twist-dbt-")
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return ("--target-path", own)
    is_default = target == Settings.model_fields["target"].default
    return () if is_default else ("--target-path", str(folder / target))


def _error_of_operation(event: Any) -> list[str]:
    """Why a macro failed: dbt reports it in an event, the operation's result has no message."""
    failed = ("RunningOperationCaughtError", "RunningOperationUncaughtError")
    return [event.data.exc] if event.info.name in failed else []


def _name(result: Any) -> str:
    """The model or test of a result; an operation's result knows its id only."""
    name: str = result.node.name if hasattr(result, "node") else result.unique_id.split(".")[-1]
    return name


def sentence(message: str | None) -> str:
    """The database's error as one line, without the lines that dbt adds around it."""
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return " ".join(lines[:6])
