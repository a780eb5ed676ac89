"""What TWIST adds to dbt's DuckDB connection: the warehouse, and the functions that read the lake.

    lake_list(topic, since)            the objects in the landing lake from an hour on
    lake_text(object_key)              one object's text, or the reason why there is none
    lake_json_problem(line, topic)     the strict check of a line that is not provably plain
    lake_json_number(line, field)      a number as it was written
    take_writer_lock(purpose)          refuses a second writer, and dbt without its settings
    check_setting(name, built_with)    refuses settings that the warehouse was not built with

They run only with a query, never while dbt parses or compiles.
"""

import os
from array import array
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin

from ingestion.contract.strict_json import json_number, json_problem
from ingestion.lake import landed_objects
from ingestion.lake.arrow_rows import OBJECT, OBJECTS_SQL, object_rows
from ingestion.s3 import let_duckdb_in
from ingestion.settings import Settings, SettingsError, load_settings
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import attach_warehouse, has_tables, refuse_other_setting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READERS = 8
"""Objects read at once: enough to hide the latency of S3; inflating leaves the GIL alone."""

_TEXT = pa.struct(
    [
        ("error", pa.string()),
        ("etag", pa.string()),
        ("size", pa.int64()),
        ("text", pa.large_string()),
        ("line_count", pa.int64()),
        ("bad_lines", pa.list_(pa.int64())),
    ]
)
TEXT_SQL = (
    "struct(error varchar, etag varchar, size bigint, text varchar, "
    "line_count bigint, bad_lines bigint[])"
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
                side_effects=name.startswith(("lake_list", "lake_text", "take", "check")),
            )

        register("lake_list", self._list, 2, OBJECTS_SQL)
        register("lake_text", self._text, 1, TEXT_SQL)
        register("lake_json_problem", _map(json_problem), 2, "varchar")
        register("lake_json_number", _map(json_number), 2, "varchar")
        register("take_writer_lock", self._lock, 1, "varchar")
        register("check_setting", self._check, 2, "varchar")

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

    def _text(self, keys: pa.Array) -> pa.Array:
        """The objects' texts, moved one by one into one buffer: a batch uses most of the memory."""
        with ThreadPoolExecutor(READERS) as readers:
            found = list(
                readers.map(lambda key: landed_objects.read_text(self.store, key), keys.to_pylist())
            )
        ends = array("q", accumulate((len(text.text or b"") for text in found), initial=0))
        buffer = pa.allocate_buffer(ends[-1])
        view = memoryview(buffer).cast("B")
        for number, text in enumerate(found):
            view[ends[number] : ends[number + 1]] = text.text or b""
            found[number] = replace(text, text=None)
        texts = pa.LargeStringArray.from_buffers(len(found), pa.py_buffer(ends), buffer)
        return pa.StructArray.from_arrays(
            [
                texts
                if field.name == "text"
                else pa.array([getattr(text, field.name) for text in found], field.type)
                for field in _TEXT
            ],
            fields=list(_TEXT),
        )

    def _lock(self, purposes: pa.Array) -> pa.Array:
        for name in ("late_days", "bot_patterns", "min_sellable_qty", "landing_slack_hours"):
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
