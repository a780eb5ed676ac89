"""What the two engines have in common: the protocol that engines.py implements twice."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ingestion.lake.landed_objects import Listed
from ingestion.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from orchestration.warehouse.accept import OffsetRange

Tables = dict[tuple[str, str], tuple[int | None, int | None]]
"""(schema, table) → bytes and number of its files; None where the engine does not store files."""


class Result(NamedTuple):
    """Column names and rows of a query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


Query = Callable[..., Result]
"""`query(sql)`, or `query(sql, most)` for the first rows only."""


class Commands(Protocol):
    """dbt on the warehouse: the part of dbt_runner.Dbt that an engine needs."""

    settings: Settings

    def run(self, *arguments: str) -> Any:
        """Run one dbt command."""

    def compiled(self, model: str) -> str:
        """The SQL of a model."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on dbt's own connection."""

    def connection(self) -> "DuckDBPyConnection":
        """dbt's own DuckDB connection."""


class Engine(Protocol):
    """One engine on the warehouse of its settings."""

    knows_etags: bool
    """Whether the audit holds the object store's own etags."""

    def relation(self, schema: str, table: str) -> str:
        """A table's full name; on Teradata a schema is a database."""

    def require(self) -> None:
        """Raise `SettingsError` where there is nothing to read yet."""

    def reader(self, threads: int | None = None) -> AbstractContextManager[Query]:
        """A separate connection that changes no table; on DuckDB it sees one snapshot.

        Raises:
            SettingsError: there is no warehouse, it lacks a table, or the log-on is refused.
        """

    def rows(self, dbt: Commands, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on dbt's own connection."""

    def require_landing(self) -> None:
        """Raise `SettingsError` where there is no landing lake to load."""

    def prepare(self, dbt: Commands) -> None:
        """Take the writer lock, create what is missing, refuse settings it was not built with."""

    def list_landed(self, dbt: Commands, listed: Listed | None) -> None:
        """Fill the table load_listing, as the model of that name does."""

    def empty_load_tables(self, dbt: Commands) -> set[str]:
        """Tables of the load models that are known to hold no row of the last batch."""

    def one_thread(self, dbt: Commands) -> AbstractContextManager[None]:
        """Run the statements within in one thread of the engine, where that saves CPU."""

    def request_replay(self, dbt: Commands) -> None:
        """Request the replay of every late event that was not replayed yet."""

    def accept(self, dbt: Commands, key: str, why: str) -> int:
        """Close the unreadable object under `key`; return how many versions it had."""

    def accept_offsets(self, dbt: Commands, offsets: "OffsetRange", why: str) -> int:
        """Close the open ranges of missing offsets within these; return how many they were."""

    def tables(self, dbt: Commands) -> Tables:
        """The tables of the warehouse."""
