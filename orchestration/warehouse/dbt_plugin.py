"""What TWIST adds to dbt's DuckDB connection: the warehouse, and what reads the lake.

    lake_list(topic, since)            the objects in the landing lake from an hour on
    lake_json_number(line, field)      a number as it was written
    lake_forget(salt, hashes)          the visitors that are forgotten from now on
    lake_without_person(topic, line, always)   a line, erased where it is a forgotten one's
    read_batch(objects)                the objects to be read from now on
    landing_<topic>                    their lines (views, read at each scan)
    landing_readings                   etag, size and error of the objects that were read
    take_writer_lock(purpose)          refuses a second writer, and dbt without its settings
    check_setting(name, built_with)    refuses settings that the warehouse was not built with

They run only with a query, never while dbt parses or compiles.

All of dbt works on one connection, on which a run is one transaction: see `one_connection`.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.environments.local import DuckDBConnectionWrapper, LocalEnvironment
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from ingestion.contract.strict_json import json_number
from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake import landed_objects
from ingestion.lake.arrow_rows import OBJECT, OBJECTS_SQL, object_rows
from ingestion.lake.erased_lines import Eraser, Forgotten
from ingestion.lake.line_stream import BatchObject, LineStream, ReadingTable
from ingestion.lake.lines import LineCutter
from ingestion.s3 import let_duckdb_in
from ingestion.settings import ROOT, Settings, SettingsError, TwistError, load_settings
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import (
    attach_warehouse,
    has_tables,
    refuse_other_setting,
    require_warehouse,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH_SQL = "struct(topic varchar, object_number bigint, object_key varchar, object_size bigint)[]"


@cache
def read_by_models() -> list[str]:
    """The settings that models read from the environment: those among the project's vars."""
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text())
    return [name for name in project["vars"] if name in Settings.model_fields]


class KeptOpen(DuckDBConnectionWrapper):
    """dbt's handle of a connection that stays open when dbt closes the handle after a node."""

    def close(self) -> None:
        """Leave the connection as it is."""


def one_connection(self: LocalEnvironment) -> KeptOpen:
    """The handle for a node: of the same connection for all.

    dbt-duckdb gives each node a cursor of its own. Neither the transaction of a run nor its
    temporary tables, which a transaction can write beside the warehouse, would be seen there.
    """
    with self.lock:
        if self.conn is None:
            self.conn = self.initialize_db(self.creds, self._plugins)
    settings = self.creds, self.conn, self._plugins, self._REGISTERED_DF
    return KeptOpen(self.initialize_cursor(*settings), self)  # type: ignore[no-untyped-call]


def begin_nothing(self: DuckDBConnectionManager) -> Any:
    """dbt's own transactions, before hooks and for the rows of a seed: the run's is open then."""
    return self.get_thread_connection()


setattr(LocalEnvironment, "handle", one_connection)  # noqa: B010  # mypy allows no assignment
setattr(DuckDBConnectionManager, "begin", begin_nothing)  # noqa: B010
setattr(DuckDBConnectionManager, "clear_transaction", begin_nothing)  # noqa: B010


class Plugin(BasePlugin):
    """Configures each DuckDB connection that dbt opens for the targets `embedded` and `s3`."""

    @cached_property
    def settings(self) -> Settings:
        """The settings, read when a connection opens."""
        return load_settings()

    @cached_property
    def store(self) -> Any:
        """The landing lake, opened when a query first needs it."""
        return landed_objects.open_store(self.settings)

    def configure_connection(self, conn: "DuckDBPyConnection") -> None:
        """Attach the warehouse and register the functions.

        Raises:
            DbtRuntimeError: there is no warehouse, and the command is none that creates one.
        """
        if get_flags().WHICH != "run-operation":  # type: ignore[no-untyped-call]
            try:
                require_warehouse(self.settings)
            except TwistError as error:
                without = "to compile models without a warehouse, add --target offline"
                raise DbtRuntimeError(f"{error}; {without}") from None
        attach_warehouse(conn, self.settings)
        self._saw_tables = False
        self._batch: dict[str, list[BatchObject]] = defaultdict(list)
        create_function: Any = conn.create_function  # its stubs lack Arrow functions

        def register(name: str, function: Callable[..., pa.Array], *types: str) -> None:
            create_function(
                name,
                function,
                list(types[:-1]),
                types[-1],
                type="arrow",
                null_handling="special",
                side_effects=name not in ("lake_json_number", "lake_without_person"),
            )

        register("lake_list", self._list, "varchar", "varchar", OBJECTS_SQL)
        register("lake_json_number", _map(json_number), "varchar", "varchar", "varchar")
        register("lake_forget", self._forget, "varchar", "varchar[]", "bigint")
        register("lake_without_person", self._erase, "varchar", "varchar", "boolean", "varchar")
        register("take_writer_lock", self._lock, "varchar", "varchar")
        register("check_setting", self._check, "varchar", "varchar", "varchar")
        register("read_batch", self._read_batch, BATCH_SQL, "bigint")
        # A view on a Python object opens the object's stream at each scan.
        self._streams = {topic: self._stream(topic) for topic in LANDED_TOPICS}
        self._readings = ReadingTable(self._streams.values())
        for topic, stream in self._streams.items():
            conn.from_arrow(stream).create_view(f"landing_{topic}")
        conn.from_arrow(self._readings).create_view("landing_readings")

    def _stream(self, topic: str) -> LineStream:
        return LineStream(lambda: self.store, lambda: self._batch[topic], LineCutter(topic))

    def _read_batch(self, batches: pa.Array) -> pa.Array:
        self._batch.clear()
        (objects,) = batches.to_pylist()
        for landed in objects or []:
            found = (landed["object_number"], landed["object_key"], landed["object_size"])
            self._batch[landed["topic"]].append(BatchObject(*found))
        return pa.array([len(objects or [])], pa.int64())

    def _forget(self, salts: pa.Array, hashes: pa.Array) -> pa.Array:
        ((salt, known),) = zip(salts.to_pylist(), hashes.to_pylist(), strict=True)
        self._forgotten = Forgotten(salt or "", frozenset(known or ()))
        return pa.array([len(self._forgotten.hashes)], pa.int64())

    def _erase(self, topics: pa.Array, lines: pa.Array, always: pa.Array) -> pa.Array:
        eraser = Eraser(self.settings.bot_patterns, self.settings.bot_exceptions)
        columns = (topics.to_pylist(), lines.to_pylist(), always.to_pylist())
        return pa.array(
            [
                line and eraser.of_text(line, topic, self._forgotten, always=is_old)
                for topic, line, is_old in zip(*columns, strict=True)
            ],
            pa.string(),
        )

    def configure_cursor(self, cursor: "DuckDBPyConnection") -> None:
        """Give each statement's cursor the current credentials: the connection may outlive them."""
        let_duckdb_in(cursor, self.settings, self.settings.warehouse_data)

    def _list(self, topics: pa.Array, since: pa.Array) -> pa.Array:
        pairs = zip(topics.to_pylist(), since.to_pylist(), strict=True)
        rows = [object_rows(self._listed(topic, hour)) for topic, hour in pairs]
        return pa.array(rows, pa.list_(OBJECT))

    def _listed(self, topic: str, since: str | None) -> Iterable[landed_objects.LandedObject]:
        hour = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
        found = landed_objects.list_landed(self.store, topic, hour, unread=True)
        is_last = topic == LANDED_TOPICS[-1]
        return chain(found, landed_objects.beside_topics(self.store)) if is_last else found

    def _lock(self, purposes: pa.Array) -> pa.Array:
        for name in read_by_models():
            default = str(Settings.model_fields[name].default)
            if os.environ.get(f"TWIST_{name.upper()}", default) != str(
                getattr(self.settings, name)
            ):
                raise SettingsError(
                    f"TWIST_{name.upper()} is set in .env, but dbt does not read .env: "
                    "run `set -a; . ./.env; set +a` in the checkout first, or use make"
                )
        writer_lock.take(self.settings.warehouse_root)
        self._saw_tables = self._saw_tables or has_tables(self.settings)
        if not self._saw_tables:
            raise SettingsError(
                f"the warehouse in {self.settings.warehouse_root} has no tables yet: run "
                "`make load` (or dbt run-operation init_warehouse) first"
            )
        return purposes

    def _check(self, names: pa.Array, values: pa.Array) -> pa.Array:
        for name, value in zip(names.to_pylist(), values.to_pylist(), strict=True):
            refuse_other_setting(self.settings, name, value)
        return names


def _map(function: Callable[[str, str], str | None]) -> Callable[[pa.Array, pa.Array], pa.Array]:
    def apply(first: pa.Array, second: pa.Array) -> pa.Array:
        if first.null_count == len(first):
            return pa.nulls(len(first), pa.string())
        pairs = zip(first.to_pylist(), second.to_pylist(), strict=True)
        return pa.array([None if a is None else function(a, b) for a, b in pairs], pa.string())

    return apply
