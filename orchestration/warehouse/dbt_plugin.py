"""What TWIST adds to dbt's DuckDB connection: the warehouse, and what reads the lake.

    lake_list(topic, since)            the objects in the landing lake from an hour on
    lake_json_number(line, field)      a number as it was written
    landing_<topic>                    the lines of the batch's objects (views, read at each scan)
    landing_readings                   etag, size and error of the objects that were read
    take_writer_lock(purpose)          refuses a second writer, and dbt without its settings
    check_setting(name, built_with)    refuses settings that the warehouse was not built with

They run only with a query, never while dbt parses or compiles.
"""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin

from ingestion.contract.strict_json import json_number
from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake import landed_objects
from ingestion.lake.arrow_rows import OBJECT, OBJECTS_SQL, object_rows
from ingestion.lake.line_stream import BatchObject, LineStream, ReadingTable
from ingestion.lake.lines import LineCutter
from ingestion.s3 import let_duckdb_in
from ingestion.settings import Settings, SettingsError, load_settings
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import attach_warehouse, has_tables, refuse_other_setting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STORED = ("late_days", "bot_patterns", "bot_exceptions", "min_sellable_qty")
"""The settings that are stored with the warehouse: they change the results."""
BATCH = (
    "select object_number, object_key from memory.load.load_objects "
    "where topic = ? order by object_number"
)


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
        """Attach the warehouse and register the functions."""
        attach_warehouse(conn, self.settings)
        self._saw_tables = False
        create_function: Any = conn.create_function  # its stubs lack Arrow functions

        def register(name: str, function: Callable[..., pa.Array], args: int, sql: str) -> None:
            create_function(
                name,
                function,
                ["varchar"] * args,
                sql,
                type="arrow",
                null_handling="special",
                side_effects=name.startswith(("lake_list", "take", "check")),
            )

        register("lake_list", self._list, 2, OBJECTS_SQL)
        register("lake_json_number", _map(json_number), 2, "varchar")
        register("take_writer_lock", self._lock, 1, "varchar")
        register("check_setting", self._check, 2, "varchar")
        # A view on a Python object opens the object's stream at each scan, from any cursor.
        self._streams = {topic: self._stream(conn, topic) for topic in LANDED_TOPICS}
        self._readings = ReadingTable(self._streams.values())
        for topic, stream in self._streams.items():
            conn.from_arrow(stream).create_view(f"landing_{topic}")
        conn.from_arrow(self._readings).create_view("landing_readings")

    def _stream(self, conn: "DuckDBPyConnection", topic: str) -> LineStream:
        def batch() -> list[BatchObject]:
            rows = conn.cursor().execute(BATCH, [topic]).fetchall()
            return [BatchObject(*row) for row in rows]

        return LineStream(lambda: self.store, batch, LineCutter(topic))

    def configure_cursor(self, cursor: "DuckDBPyConnection") -> None:
        """Give each statement's cursor the current credentials: the connection may outlive them."""
        let_duckdb_in(cursor, self.settings, self.settings.warehouse_data)

    def _list(self, topics: pa.Array, since: pa.Array) -> pa.Array:
        pairs = zip(topics.to_pylist(), since.to_pylist(), strict=True)
        rows = [object_rows(self._listed(topic, hour)) for topic, hour in pairs]
        return pa.array(rows, pa.list_(OBJECT))

    def _listed(self, topic: str, since: str | None) -> Iterable[landed_objects.LandedObject]:
        hour = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
        return landed_objects.list_landed(self.store, topic, hour)

    def _lock(self, purposes: pa.Array) -> pa.Array:
        for name in (*STORED, "landing_slack_hours"):
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
